"""The operations of SQS, under AWS's names, as the one object the gateway sees.

Queues in `queue_operations`, messages in `message_operations`, message move tasks in `move_operations`.
"""

from lambent.services.sqs.message_operations import MessageOperations
from lambent.services.sqs.move_operations import MoveOperations
from lambent.services.sqs.parts import QueueParts
from lambent.services.sqs.queue_operations import QueueOperations


class SqsOperations:
    SERVED = QueueOperations.SERVED | MessageOperations.SERVED | MoveOperations.SERVED

    def __init__(self, parts: QueueParts) -> None:
        queues = QueueOperations(parts)
        self.create_queue = queues.create_queue
        self.delete_queue = queues.delete_queue
        self.get_queue_url = queues.get_queue_url
        self.list_queues = queues.list_queues
        self.list_dead_letter_source_queues = queues.list_dead_letter_source_queues
        self.get_queue_attributes = queues.get_queue_attributes
        self.set_queue_attributes = queues.set_queue_attributes
        self.purge_queue = queues.purge_queue
        self.add_permission = queues.add_permission
        self.remove_permission = queues.remove_permission
        self.tag_queue = queues.tag_queue
        self.untag_queue = queues.untag_queue
        self.list_queue_tags = queues.list_queue_tags
        messages = MessageOperations(parts)
        self.send_message = messages.send_message
        self.send_message_batch = messages.send_message_batch
        self.receive_message = messages.receive_message
        self.delete_message = messages.delete_message
        self.delete_message_batch = messages.delete_message_batch
        self.change_message_visibility = messages.change_message_visibility
        self.change_message_visibility_batch = messages.change_message_visibility_batch
        moves = MoveOperations(parts)
        self.start_message_move_task = moves.start_message_move_task
        self.cancel_message_move_task = moves.cancel_message_move_task
        self.list_message_move_tasks = moves.list_message_move_tasks
