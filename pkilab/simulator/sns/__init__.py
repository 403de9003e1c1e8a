"""Amazon SNS, of this package's own: topics, subscriptions, and messages that are really signed."""
