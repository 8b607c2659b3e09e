"""The request path: service and operation (routing), who asks (auth), and the call itself (dispatch: read it first)."""
