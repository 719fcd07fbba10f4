"""What this user knows and allows, kept on this machine: workspaces, bindings, hosts, grants."""
