"""Reports what happens to private CAs, and to certificates in ACM, to Security Hub.

`handler` is the Lambda function, ``template.yaml`` the rules, rights and queue around it.
"""
