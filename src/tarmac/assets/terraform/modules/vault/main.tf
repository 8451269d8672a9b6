# Where snapshots are kept, under a key of their own: one of another region opens nothing here.
resource "aws_kms_key" "this" {
  description             = "Snapshots in ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_backup_vault" "this" {
  name          = var.name
  kms_key_arn   = aws_kms_key.this.arn
  force_destroy = !var.protected
}
