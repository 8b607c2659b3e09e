-- A bucket's notification configuration names targets of any kind, and whether the account's event bus hears of changes.
UPDATE bucket SET notification = '{"to_bus":false,"targets":' || replace(notification, '"function_arn":', '"target_arn":') || '}'
WHERE notification IS NOT NULL;
