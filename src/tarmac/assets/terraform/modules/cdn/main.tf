# CloudFront before the public hosts: files from a private bucket, everything else from the entrance.
locals {
  # Policies that AWS keeps, the same in every account:
  # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
  policies = {
    optimized    = "658327ea-f89d-4fab-a63d-7e88639e58f6"
    disabled     = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    all_viewer   = "216adef6-5c7f-47e4-b989-5492eafa07d3"
    safe_headers = "67f7725c-6f97-4210-82d7-5512b31e9d03"
  }
  reads = ["GET", "HEAD", "OPTIONS"]
}

resource "aws_cloudfront_origin_access_control" "files" {
  name                              = var.name
  description                       = "The distribution alone reads the files of ${var.name}"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "this" {
  comment         = var.name
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = "PriceClass_100"
  aliases         = var.hosts
  web_acl_id      = var.web_acl_arn

  # The host that the browser asked for goes along, and the ingress's certificate is for it.
  origin {
    origin_id   = "entrance"
    domain_name = var.entrance

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "match-viewer"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  origin {
    origin_id                = "files"
    domain_name              = aws_s3_bucket.files.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.files.id
  }

  default_cache_behavior {
    target_origin_id         = "entrance"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = concat(local.reads, ["DELETE", "PATCH", "POST", "PUT"])
    cached_methods           = ["GET", "HEAD"]
    compress                 = true
    cache_policy_id          = local.policies.disabled
    origin_request_policy_id = local.policies.all_viewer
  }

  # By HTTP-01 an issuer asks for its token over plain HTTP, before there is a certificate.
  dynamic "ordered_cache_behavior" {
    for_each = var.challenges ? ["/.well-known/acme-challenge/*"] : []
    content {
      path_pattern             = ordered_cache_behavior.value
      target_origin_id         = "entrance"
      viewer_protocol_policy   = "allow-all"
      allowed_methods          = ["GET", "HEAD"]
      cached_methods           = ["GET", "HEAD"]
      cache_policy_id          = local.policies.disabled
      origin_request_policy_id = local.policies.all_viewer
    }
  }

  dynamic "ordered_cache_behavior" {
    for_each = var.files
    content {
      path_pattern               = ordered_cache_behavior.value
      target_origin_id           = "files"
      viewer_protocol_policy     = "redirect-to-https"
      allowed_methods            = local.reads
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      cache_policy_id            = local.policies.optimized
      response_headers_policy_id = local.policies.safe_headers
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }
}
