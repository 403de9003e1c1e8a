"""A real account: what stands between a workflow's boto3 calls and AWS.

`place.AwsPlace` is the other half of `pkilab.lab.Lab.aws`. Before the first call that changes
something it looks at the account (`looking`); before each it holds the budget (`budget`), adds the
run's tag and a token (`calls`); and it renews credentials, or stops clearly (`sessions`).
"""
