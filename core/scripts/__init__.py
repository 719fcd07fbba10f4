"""Python scripts of a workspace: consent to them, and their run in processes of their own."""
