# The same in every environment; what differs is beside it, in inputs.hcl.
include "root" {
  path = find_in_parent_folders("root.hcl")
}
