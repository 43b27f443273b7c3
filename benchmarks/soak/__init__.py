"""Long runs in which plugs are pulled; what is left is compared with what must be there."""
