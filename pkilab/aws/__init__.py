"""A real account: what stands between a workflow's boto3 calls and AWS.

`place.AwsPlace` is the other half of `pkilab.lab.Lab.aws`. Before the first call that changes
something it looks at the account (`looking`). Each such call gets the run's tag and a token
(`calls`), is agreed to (`budget`) and written down before it is sent (`keeping`). Credentials are
renewed, or the run stops clearly (`sessions`); `afterwards` finds what it has left.
"""
