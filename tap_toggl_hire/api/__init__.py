"""Reading the API: requests, right and safe and at its own pace."""
