output "role_arn" {
  description = "The role that makes snapshots, and that a restore takes."
  value       = aws_iam_role.this.arn
}
