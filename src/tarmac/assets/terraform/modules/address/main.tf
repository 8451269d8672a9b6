# Where a server stands, for those who read it beside a password. It is not a secret, and Terraform has it in its
# state: when the server is replaced, so is this.
resource "aws_secretsmanager_secret" "this" {
  name                    = var.name
  description             = "Where a server stands, written by Terraform"
  recovery_window_in_days = var.protected ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id     = aws_secretsmanager_secret.this.id
  secret_string = var.host
}
