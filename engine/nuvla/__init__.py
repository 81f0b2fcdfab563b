"""The REST side: jobs as documents of the Nuvla API."""
