"""Writing: a commit with its mutations, masks and transforms, all of it or nothing."""
