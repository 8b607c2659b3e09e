"""One folder per AWS API, named as botocore names it. Siblings never import each other: `app` passes callables."""
