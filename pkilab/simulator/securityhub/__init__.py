"""AWS Security Hub CSPM: hubs, findings in the AWS Security Finding Format, and what reads them."""
