# Metrics and policies come from the same files that `make alerts` reads.
locals {
  metrics = {
    for file in fileset("${local.deploy}/metrics", "*.json") :
    trimsuffix(file, ".json") => jsondecode(file("${local.deploy}/metrics/${file}"))
  }
  underscored = replace(var.prefix, "-", "_")
  # A metric's name in filters, and its name in PromQL.
  policies = {
    for file in fileset("${local.deploy}/alerts", "*.json") :
    trimsuffix(file, ".json") => jsondecode(replace(
      replace(file("${local.deploy}/alerts/${file}"), "user/amends-", "user/${var.prefix}amends-"),
      "user_amends_", "user_${local.underscored}amends_",
    ))
  }
  environment_label = var.prefix == "" ? {} : { amends-environment = local.label }
}

resource "google_logging_metric" "metric" {
  for_each        = local.metrics
  project         = var.project
  name            = "${var.prefix}${each.value.name}"
  description     = each.value.description
  filter          = "${each.value.filter} AND ${local.lines}"
  value_extractor = try(each.value.valueExtractor, null)
  metric_descriptor {
    metric_kind = each.value.metricDescriptor.metricKind
    value_type  = each.value.metricDescriptor.valueType
    unit        = each.value.metricDescriptor.unit
  }
  depends_on = [google_project_service.api]
}

# Monitoring does not know a new metric for some minutes, and refuses policies that use it.
resource "time_sleep" "metrics_are_known" {
  create_duration = "600s"
  triggers        = { metrics = join(",", [for metric in google_logging_metric.metric : metric.name]) }
}

resource "google_monitoring_alert_policy" "policy" {
  for_each              = local.policies
  project               = var.project
  display_name          = replace(each.value.displayName, "Amends:", "Amends in ${local.environment}:")
  combiner              = each.value.combiner
  severity              = each.value.severity
  notification_channels = var.channels
  user_labels           = merge({ amends = each.key }, local.environment_label)
  depends_on            = [time_sleep.metrics_are_known]

  documentation {
    content   = replace(each.value.documentation.content, "sweep-sagas", "${var.prefix}sweep-sagas")
    mime_type = each.value.documentation.mimeType
  }

  alert_strategy {
    auto_close = each.value.alertStrategy.autoClose
    dynamic "notification_rate_limit" {
      for_each = try([each.value.alertStrategy.notificationRateLimit], [])
      content {
        period = notification_rate_limit.value.period
      }
    }
  }

  dynamic "conditions" {
    for_each = each.value.conditions
    content {
      display_name = conditions.value.displayName

      dynamic "condition_matched_log" {
        for_each = try([conditions.value.conditionMatchedLog], [])
        content {
          filter           = "${condition_matched_log.value.filter} AND ${local.lines}"
          label_extractors = try(condition_matched_log.value.labelExtractors, null)
        }
      }

      dynamic "condition_prometheus_query_language" {
        for_each = try([conditions.value.conditionPrometheusQueryLanguage], [])
        content {
          query               = condition_prometheus_query_language.value.query
          duration            = condition_prometheus_query_language.value.duration
          evaluation_interval = condition_prometheus_query_language.value.evaluationInterval
          alert_rule          = condition_prometheus_query_language.value.alertRule
        }
      }

      dynamic "condition_threshold" {
        for_each = try([conditions.value.conditionThreshold], [])
        content {
          filter             = condition_threshold.value.filter
          denominator_filter = try(condition_threshold.value.denominatorFilter, null)
          comparison         = condition_threshold.value.comparison
          threshold_value    = condition_threshold.value.thresholdValue
          duration           = condition_threshold.value.duration

          dynamic "aggregations" {
            for_each = condition_threshold.value.aggregations
            content {
              alignment_period     = aggregations.value.alignmentPeriod
              per_series_aligner   = aggregations.value.perSeriesAligner
              cross_series_reducer = aggregations.value.crossSeriesReducer
            }
          }

          dynamic "denominator_aggregations" {
            for_each = try(condition_threshold.value.denominatorAggregations, [])
            content {
              alignment_period     = denominator_aggregations.value.alignmentPeriod
              per_series_aligner   = denominator_aggregations.value.perSeriesAligner
              cross_series_reducer = denominator_aggregations.value.crossSeriesReducer
            }
          }

          trigger {
            count = condition_threshold.value.trigger.count
          }
        }
      }
    }
  }
}

resource "google_logging_project_exclusion" "deliveries" {
  project     = var.project
  name        = "${var.prefix}amends-deliveries"
  description = "Deliveries and sweeps that got a 2xx"
  filter      = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(\"${var.prefix}run-saga-step\" OR \"${var.prefix}sweep-sagas\") AND log_id(\"run.googleapis.com/requests\") AND httpRequest.status<300"
  depends_on  = [google_project_service.api]
}
