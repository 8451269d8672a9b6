"""Sections of docs/evidence/precision.md: the sets of December 2026."""

from __future__ import annotations

NEWEST_SETS = """\

## Not seen before, a thirty-third time

Thirty-seven more, on 2026-12-01: services of authorities and companies with Compose files and
workflows, charts and operators of products, two clusters at home, Terraform of two estates, an
index of genomes, samples of two clouds; chosen by name, of at most 5,000 files each.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| astronomer/astronomer | 23 | 0 | 0 | 23 | 0 | 0 | 0 | 0 | 0 |
| aws-samples/aws-microservices-deploy-options | 14 | 14 | 0 | 0 | 14 | 0 | 0 | 0 | 0 |
| pando85/homelab | 8 | 4 | 4 | 0 | 8 | 0 | 0 | 0 | 0 |
| GoogleCloudPlatform/anthos-config-management-samples | 5 | 2 | 0 | 3 | 2 | 0 | 0 | 0 | 0 |
| danmanners/homelab-kube-cluster | 4 | 2 | 0 | 2 | 2 | 0 | 0 | 0 | 0 |
| indigo-dc/orchestrator | 4 | 3 | 1 | 0 | 3 | 0 | 0 | 0 | 0 |
| canada-ca/tracker | 3 | 1 | 2 | 0 | 1 | 0 | 0 | 0 | 0 |
| cds-snc/list-manager | 3 | 3 | 0 | 0 | 4 | 1 | 1 | 0 | 0 |
| DataBiosphere/azul | 3 | 3 | 0 | 0 | 3 | 0 | 0 | 0 | 0 |
| konveyor/tackle2-hub | 3 | 1 | 0 | 2 | 1 | 0 | 0 | 0 | 0 |
| kubernetes-sigs/prow | 3 | 0 | 3 | 0 | 0 | 0 | 0 | 0 | 0 |
| 3scale/3scale-operator | 2 | 1 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |
| OHDSI/Broadsea | 2 | 1 | 0 | 1 | 1 | 0 | 0 | 0 | 0 |
| pagopa/eng-common-scripts | 2 | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 |
| codeforamerica/shiba | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| dirtycajunrice/gitops | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| ESGF/esgf-docker | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| hedgedoc/container | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| Mailu/helm-charts | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| unicef/hct-mis | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |

Seventeen had neither: artefactual/archivematica, Bahmni/bahmni-docker, blackjid/k8s-gitops,
cloudposse/terraform-aws-ecs-web-app, CSCfi/metadata-submitter, discourse/discourse_docker,
docker-mailserver/docker-mailserver-helm, hashicorp-demoapp/hashicups-setups,
hubmapconsortium/gateway, Islandora-Devops/isle-dc, italia/developers-italia-api,
medic/cht-infrastructure, nordic-institute/X-Road-Security-Server-sidecar,
RedHatInsights/rbac-config, ScilifelabDataCentre/dds_web, thunderbird/thunderbird-accounts and
zimmertr/TJs-Kubernetes-Service.

Of the first errors 49% are true and 38% false; 23 of the 32 false ones are in one repository, in
files that a program in Python fills in by its own marks. Without it 42 of 62 are true (68%). Later
there are 47, all of them true; one was likely before, and three rules of a cluster at home are told
in other words. Among the true ones are versions that are gone: of Kubernetes (VAL001, 16), of
actions (VER004, 5) and an image (VER005); rules whose sums lack the labels by which they are
compared, or whose texts show what no result has (OBS025 and OBS028, 8); deployments of an API that
do not wait for all that they deploy (INF080, 3); a group of the API with its version in it (OBJ011,
2). What was not true, by kind:

- 23, false: objects of a template with marks in the place of names and namespaces, `namespace:
  {namespace}` (VAL001, OBJ005, OBJ009 and OBJ013); such a file is a template now.
- 2, false: a group of another maker's that is called almost as one of the server's:
  networking.gke.io (OBJ011).
- 2, false: a patch for one of two Services of a list (OBJ013); left alone where the list says
  which.
- 2, false: fields that differ by their capitals, in a file that a program in Go has within it
  (VAL001); a warning now.
- 1, false: one object for each of two sets of clusters (OBJ003); an annotation that chooses them is
  part of its name now.
- 1, false: a script that a volume takes the place of (IMG083).
- 1, false: a name of an anchor with a sign that YAML 1.2 allows: `&isAlone?` (files); a warning
  now.
- 4, pedantic: an increase of a sum that is compared with 0 (OBS025); whether anything changed, a
  reset tells as well.
- 3, pedantic: a starter, to be copied and changed (NET013); a warning now.
- 2, pedantic: a network with bits behind its length, `10.10.0.0/0`, of which a server reads all
  (OBJ005); NET006 says what is read.
- 1, pedantic: a condition on a branch that begins with `ref/` (PIP015); told as what it is now.
- 1, pedantic: a patch with an image that is gone, which a list has in its comments alone (VER005);
  a warning now.

Sixty-two others were run for the first time after these corrections, in two parts, the second one
by gates with corrections of the first. They had 92 errors, 73 true (79%), 11 pedantic and 8 false;
later there are 76. 95 of the 96 that were likely are in one repository,
cloud-native-toolkit/multi-tenancy-gitops, and none of these is more than pedantic: kinds of a
project that are written small, and projects of other files; they are left as they are. With errors
were teamdigitale/daf (39), mozmeao/infra (8), calcom/docker, juicedata/juicefs-csi-driver and
opensrp/opensrp-server-web (7 each), kubeshop/helm-charts (6), element-hq/element-docker-demo (4),
avalonmediasystem/avalon-docker, awslabs/ai-on-eks and ssl-hep/ServiceX (2 each),
ansible/eda-server-operator, archivesspace/archivesspace, decidim/docker, frappe/helm,
icgc-argo/workflow-api, ONLYOFFICE/DocSpace-buildtools, open-metadata/openmetadata-helm-charts and
woodpecker-ci/helm (1 each). Forty-three had none: Aam-Digital/aam-services, acryldata/datahub-helm,
amundsen-io/amundsen, apache/flink-kubernetes-operator, astronomer/airflow-chart,
Azure-Samples/contoso-real-estate, bluesky-social/pds, buildkite/elastic-ci-stack-for-aws,
casdoor/casdoor-helm, chirpstack/chirpstack-docker, clemenko/rke2, concourse/concourse-chart,
democratic-csi/charts, e-gov/GOVSSO-Session, e-gov/TARA-Server, EGI-Federation/notebooks,
finos/common-cloud-controls, GSA/data.gov, hotosm/osm-analytics, inji/inji-certify, instedd/guisso,
kserve/modelmesh-serving, learningequality/studio, meltano/helm-meltano, navikt/modiapersonoversikt,
nextstrain/infra, nhs-england-tools/repository-template, okfn-brasil/querido-diario,
open-webui/helm-charts, openboxes/openboxes-docker, OpenLMIS/openlmis-deployment,
openshift-psap/ci-artifacts, overhangio/tutor-mfe, overleaf/toolkit, pagopa/pn-delivery,
publichealthengland/coronavirus-dashboard, quarkusio/code.quarkus.io, rapidpro/rapidpro-docker,
RedHatInsights/sources-api-go, scientist-softserv/palni-palci,
terraform-aws-modules/terraform-aws-ecs, thingsboard/docker and vitessio/vitess-operator. What was
not true in them:

- 4, false: `${NAME}` alone in the lines before a file's first key, which a program fills in
  (files); a template now.
- 2, false: a loop that writes its objects with `---` between them, and not before the first
  (OBJ034).
- 1, false: a directive that hadolint reads wrongly (VAL004).
- 1, false: a moment of the server's own, written without a zone (VAL001).
- 5, pedantic: an argument of a build that ENV sets to the value of another one, which is the same
  (IMG044).
- 4, pedantic: manifests for clusters of an older release, and a test's server with 100m of memory
  (VAL001, OBJ011 and OBJ032).
- 1, pedantic: an Ingress that is called old, beside its successor (VAL001); a warning now.
- 1, pedantic: two slashes in a path that its server takes as one (SRV001).
"""
