"""Witty analogies for AWS services: written by four models, shown without waiting, judged by thumbs."""
