"""Amazon EventBridge: event buses, rules and their patterns, targets and deliveries to them."""
