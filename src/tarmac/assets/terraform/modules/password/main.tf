# A password that AWS makes and Secrets Manager keeps. It is in no state and no plan. With letters and digits
# alone it stands in a URL as it is.
resource "aws_secretsmanager_secret" "this" {
  name                    = var.name
  description             = "A password, made by Terraform"
  recovery_window_in_days = var.protected ? 30 : 0

  dynamic "replica" {
    for_each = var.replica[*]
    content {
      region = replica.value
    }
  }
}

ephemeral "aws_secretsmanager_random_password" "this" {
  exclude_punctuation = true
  # Known once the secret is there: a plan from nothing asks AWS for nothing.
  password_length = aws_secretsmanager_secret.this.arn == "" ? 0 : 40
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id        = aws_secretsmanager_secret.this.id
  secret_string_wo = ephemeral.aws_secretsmanager_random_password.this.random_password
  # It stays for the life of the entry: another password has another entry.
  secret_string_wo_version = 1
}
