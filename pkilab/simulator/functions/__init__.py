"""AWS Lambda: Python functions deployed as zip archives, which really run."""
