"""Kill storms: processes die while users work; what they were promised is compared with what is."""
