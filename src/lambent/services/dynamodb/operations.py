"""The operations of DynamoDB, under AWS's names, as the one object the gateway sees.

Tables in `table_operations` and `setting_operations`, where their changes go in `destination_operations`, what is saved
of them in `backup_operations`, `recovery_operations`, `export_operations` and `import_operations`; items in
`item_operations`, `query_operations`, `batch_operations` and `transaction_operations`; statements of PartiQL in
`partiql_operations`.
"""

from lambent.services.dynamodb.backup_operations import BackupOperations
from lambent.services.dynamodb.batch_operations import BatchOperations
from lambent.services.dynamodb.destination_operations import DestinationOperations
from lambent.services.dynamodb.export_operations import ExportOperations
from lambent.services.dynamodb.import_operations import ImportOperations
from lambent.services.dynamodb.item_operations import ItemOperations
from lambent.services.dynamodb.partiql_operations import PartiQLOperations
from lambent.services.dynamodb.parts import DynamoParts
from lambent.services.dynamodb.query_operations import QueryOperations
from lambent.services.dynamodb.recovery_operations import RecoveryOperations
from lambent.services.dynamodb.setting_operations import SettingOperations
from lambent.services.dynamodb.table_operations import TableOperations
from lambent.services.dynamodb.transaction_operations import TransactionOperations


class DynamoOperations:
    SERVED = (
        TableOperations.SERVED
        | SettingOperations.SERVED
        | DestinationOperations.SERVED
        | BackupOperations.SERVED
        | RecoveryOperations.SERVED
        | ExportOperations.SERVED
        | ImportOperations.SERVED
        | ItemOperations.SERVED
        | QueryOperations.SERVED
        | BatchOperations.SERVED
        | TransactionOperations.SERVED
        | PartiQLOperations.SERVED
    )

    def __init__(self, parts: DynamoParts) -> None:
        self._add_tables(parts)
        self._add_copies(parts)
        self._add_items(parts)

    def _add_tables(self, parts: DynamoParts) -> None:
        tables = TableOperations(parts)
        self.create_table = tables.create_table
        self.describe_table = tables.describe_table
        self.list_tables = tables.list_tables
        self.update_table = tables.update_table
        self.delete_table = tables.delete_table
        self.describe_limits = tables.describe_limits
        self.describe_endpoints = tables.describe_endpoints
        settings = SettingOperations(parts)
        self.update_time_to_live = settings.update_time_to_live
        self.describe_time_to_live = settings.describe_time_to_live
        self.tag_resource = settings.tag_resource
        self.untag_resource = settings.untag_resource
        self.list_tags_of_resource = settings.list_tags_of_resource
        streaming = DestinationOperations(parts)
        self.enable_kinesis_streaming_destination = streaming.enable_kinesis_streaming_destination
        self.disable_kinesis_streaming_destination = streaming.disable_kinesis_streaming_destination
        self.update_kinesis_streaming_destination = streaming.update_kinesis_streaming_destination
        self.describe_kinesis_streaming_destination = streaming.describe_kinesis_streaming_destination

    def _add_copies(self, parts: DynamoParts) -> None:
        saved = BackupOperations(parts)
        self.create_backup = saved.create_backup
        self.describe_backup = saved.describe_backup
        self.list_backups = saved.list_backups
        self.delete_backup = saved.delete_backup
        self.restore_table_from_backup = saved.restore_table_from_backup
        recovery = RecoveryOperations(parts)
        self.describe_continuous_backups = recovery.describe_continuous_backups
        self.update_continuous_backups = recovery.update_continuous_backups
        self.restore_table_to_point_in_time = recovery.restore_table_to_point_in_time
        exports = ExportOperations(parts)
        self.export_table_to_point_in_time = exports.export_table_to_point_in_time
        self.describe_export = exports.describe_export
        self.list_exports = exports.list_exports
        imports = ImportOperations(parts)
        self.import_table = imports.import_table
        self.describe_import = imports.describe_import
        self.list_imports = imports.list_imports

    def _add_items(self, parts: DynamoParts) -> None:
        items = ItemOperations(parts)
        self.put_item = items.put_item
        self.get_item = items.get_item
        self.update_item = items.update_item
        self.delete_item = items.delete_item
        queries = QueryOperations(parts)
        self.query = queries.query
        self.scan = queries.scan
        batches = BatchOperations(parts)
        self.batch_get_item = batches.batch_get_item
        self.batch_write_item = batches.batch_write_item
        transactions = TransactionOperations(parts)
        self.transact_get_items = transactions.transact_get_items
        self.transact_write_items = transactions.transact_write_items
        statements = PartiQLOperations(parts)
        self.execute_statement = statements.execute_statement
        self.batch_execute_statement = statements.batch_execute_statement
        self.execute_transaction = statements.execute_transaction
