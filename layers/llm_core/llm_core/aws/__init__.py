"""The AWS side: the one home of boto3 and Powertools."""
