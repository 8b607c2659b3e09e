"""The operations of DynamoDB, under AWS's names, as the one object the gateway sees.

Tables in `table_operations` and `setting_operations`; items in `item_operations`, `query_operations`,
`batch_operations` and `transaction_operations`.
"""

from lambent.services.dynamodb.item_operations import ItemOperations
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.query_operations import QueryOperations
from lambent.services.dynamodb.table_operations import TableOperations


class DynamoOperations:
    SERVED = TableOperations.SERVED | ItemOperations.SERVED | QueryOperations.SERVED

    def __init__(self, parts: DynamoParts) -> None:
        tables = TableOperations(parts)
        self.create_table = tables.create_table
        self.describe_table = tables.describe_table
        self.list_tables = tables.list_tables
        self.update_table = tables.update_table
        self.delete_table = tables.delete_table
        self.describe_limits = tables.describe_limits
        self.describe_endpoints = tables.describe_endpoints
        items = ItemOperations(parts)
        self.put_item = items.put_item
        self.get_item = items.get_item
        self.update_item = items.update_item
        self.delete_item = items.delete_item
        queries = QueryOperations(parts)
        self.query = queries.query
        self.scan = queries.scan
