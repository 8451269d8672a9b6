# The images of this environment's repositories are copied to the second region as they are pushed, with
# their tags: a region that is lost takes none with it. One configuration holds for all repositories of an
# account in a region.
locals {
  copied = var.standby_region == null ? toset([]) : var.repositories
}

resource "aws_ecr_replication_configuration" "standby" {
  count = length(local.copied) > 0 ? 1 : 0

  replication_configuration {
    rule {
      destination {
        region      = var.standby_region
        registry_id = var.account
      }

      dynamic "repository_filter" {
        for_each = local.copied

        content {
          filter      = repository_filter.value
          filter_type = "PREFIX_MATCH"
        }
      }
    }
  }
}

# ECR makes the repositories there by itself, and after these. A key of one's own needs a role for ECR:
# they are encrypted by AWS's.
resource "aws_ecr_repository_creation_template" "standby" {
  for_each = local.copied
  provider = aws.standby

  prefix               = each.value
  description          = "Copies of ${each.value} in ${var.region}"
  applied_for          = ["REPLICATION"]
  image_tag_mutability = "IMMUTABLE"

  lifecycle_policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "As many images stay as in the first region"
        action       = { type = "expire" }
        selection = {
          tagStatus   = "any"
          countType   = "imageCountMoreThan"
          countNumber = 100
        }
      },
    ]
  })
}
