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

## Not seen before, a thirty-fourth time

Forty more, on 2026-12-01, most of them small teams' own systems: clusters with what Argo CD and
Flux apply, microservices with manifests beside them, estates of Terraform, charts of companies;
chosen by name and list of files, of at most 5,000 files each.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| small-hack/argocd-apps | 27 | 12 | 0 | 15 | 12 | 12 | 12 | 0 | 12 |
| oracle/microservices-datadriven | 25 | 25 | 0 | 0 | 25 | 0 | 0 | 0 | 0 |
| ORESoftware/k8s-cluster | 21 | 15 | 1 | 5 | 15 | 32 | 31 | 0 | 32 |
| portefaix/portefaix-kubernetes | 20 | 16 | 4 | 0 | 16 | 12 | 12 | 0 | 12 |
| mattermost/mattermost-cloud-monitoring | 17 | 17 | 0 | 0 | 17 | 7 | 7 | 0 | 7 |
| RADAR-base/radar-helm-charts | 16 | 13 | 3 | 0 | 13 | 2 | 2 | 0 | 2 |
| tlgselvi/desewebv5-gitops | 15 | 14 | 1 | 0 | 14 | 3 | 3 | 0 | 3 |
| yurake/k8s-3tier-webapp | 15 | 15 | 0 | 0 | 15 | 0 | 0 | 0 | 0 |
| keybuzzio/keybuzz-infra | 14 | 11 | 3 | 0 | 12 | 0 | 0 | 0 | 0 |
| blanho/auction-platform-microservices | 8 | 8 | 0 | 0 | 8 | 12 | 12 | 0 | 12 |
| whh881114/argocd-manifests | 8 | 7 | 0 | 1 | 7 | 0 | 0 | 0 | 0 |
| bokristoffersson/homelab-k12n-gitops | 7 | 4 | 3 | 0 | 4 | 0 | 0 | 0 | 0 |
| konstructio/gitops-template | 6 | 6 | 0 | 0 | 6 | 45 | 0 | 45 | 0 |
| hexcamp/hexcamp-argocd | 6 | 0 | 0 | 6 | 0 | 0 | 0 | 0 | 0 |
| team-project-final/synapse-gitops | 6 | 6 | 0 | 0 | 6 | 0 | 0 | 0 | 0 |
| wahooli/gitops-repo | 5 | 0 | 1 | 4 | 0 | 48 | 0 | 48 | 0 |
| MicroTodoSuite/microservice-app-gitops | 5 | 0 | 0 | 5 | 0 | 2 | 0 | 2 | 2 |
| EduGoGroup/edugo-infrastructure | 5 | 5 | 0 | 0 | 5 | 0 | 0 | 0 | 0 |
| fiap-tech-challenge-projects/k8s-main-service | 5 | 5 | 0 | 0 | 5 | 0 | 0 | 0 | 0 |
| teutonet/teutonet-helm-charts | 4 | 0 | 4 | 0 | 1 | 0 | 0 | 0 | 0 |
| mitchross/talos-argocd-proxmox | 3 | 2 | 1 | 0 | 2 | 1 | 1 | 0 | 1 |
| mctlhq/mctl-gitops | 2 | 0 | 2 | 0 | 0 | 2 | 0 | 2 | 0 |
| huynxtb/progcoder-shop-microservices | 2 | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 |
| openbraininstitute/aws-terraform-deployment | 2 | 1 | 0 | 1 | 1 | 0 | 0 | 0 | 0 |
| JamesAtIntegratnIO/gitops_homelab_2_0 | 1 | 1 | 0 | 0 | 1 | 1 | 1 | 0 | 1 |
| ICOS-Carbon-Portal/infrastructure | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| interuss/monitoring | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| josephnhtam/vsp-youtube-clone-microservices | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| s3lcsum/gitops | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| zimagi/argocd-apps | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| ghtjr410/Miniblog-K8s-Microservices-Stack | 0 | 0 | 0 | 0 | 0 | 1 | 1 | 0 | 1 |

Nine had neither: codejsha/bookstore-microservices, gensokyo-zone/infrastructure,
HiveSpaceTeam/hivespace.microservice, humzamalak/Production-Ready-EKS-Cluster-with-GitOps,
JasonTM17/AgriCore_SpringBoot_Microservices, mozilla/helm-charts, opspresso/argocd-env-addons,
opspresso/argocd-env-demo and pagopa/pagopa-infra.

Of the first errors 76% are true and 15% false; of those that were likely 93 of the 97 false ones
are of two kinds, each in one repository. Later there are 191 errors, 190 of them true, and 85 that
are likely. 22 of the true ones are marks of Argo CD's sets that are of its other kind of template,
and ignored differences of a kind in a group that lacks it (GIT009), 19 alerts that never fire or
show what they do not have (OBS028), 15 numbers of pods with two owners (GIT004), 10 images that are
gone (VER005), 9 contexts that do not exist where they stand (PIP059), 9 variables of a shell where
none reads (PIP074), 8 ACLs that AWS refuses for new buckets (INF020) and 7 variables that are
declared nowhere (INF004). One more is of a gate that is new since: a port that a Service does not
have (NET068). The one that is left beside them is a check of what a pull request brings, which has
secrets (PIP004).

What was not true, by kind:

- 15, false: a text of an ApplicationSet that a Go template prints as it is, or that is for the
  chart that gets it (GIT009).
- 6, false: port 0 of a probe, which Knative fills in (OBJ011).
- 6, false: a Deployment with no pods, since a Rollout makes them, or since 0 switches its
  autoscaler off (GIT004).
- 4, false: parts of objects that Argo CD puts into what another one made (VAL001 and OBJ007); a
  warning now.
- 2, false: a Service that KServe makes (OBJ008).
- 2, false: a patch for an object by the name that another patch gives it (OBJ017).
- 1, false: depends_on behind a text with the end of a block in it (INF080).
- 1, false: data of a store, where a file of variables that is elsewhere may say its place (IMG015).
- 1, false: a copy of the root of a chart's values (OBJ034).
- 4, pedantic: a name in the metadata of a list, which is taken apart before it is sent (VAL001).
- 4, pedantic: a job that takes a pull request's files and runs none of them (PIP004); a warning now
  where it has neither rights nor secrets, as three have.
- 3, pedantic: a variable with two sources, told by two gates (OBJ007 and OBJ013).
- 3, pedantic: what ends a script or a build, told twice (VAL003 and files).
- 3, pedantic: rules of a packed dependency, and a count beside absent() (OBS028); a warning and
  nothing now.
- 2, pedantic: a budget that keeps each eviction away, as the comment above it says (SCL005); a
  warning now.
- 4, pedantic, each once: a patch that deletes what is gone (OBJ017), rules that a page in an
  archive applies (OBS004), a branch of those who write there (VAL022), a file that its list says is
  not included (files); warnings now, or nothing.

Of what was likely, 48 were names with a hash where a list above says in which fields names stand
(OBJ017), 45 a mark alone in its line, `<NAME>` (files), 2 a repository at a host that is never
there (GIT010) and 2 a command in a message (SEC028).

Sixty others were run for the first time after these corrections. They had 333 errors, 246 true
(74%), 45 pedantic and 42 false, and 76 that were likely, 54 of them true. Of the 19 false ones 15
were of a Service that Rook makes (OBS067), which is known now. 29 of those with errors were judged
again, after corrections of theirs: of 275 errors 212 are left and 2 more are of a new gate, so 204
of 214 are true. With errors were takara9/k8s-manifests (92);
burdettadam/marty-microservices-framework (33); wyfcoding/ecommerce (32); hypha-dao/k8s-manifests
(25); dasmeta/terraform-aws-modules (18); carlssonk/terraform-aws-infra (13);
MinaFoundation/helm-charts (10); ibm-mas/gitops and rajsinghtech/kubernetes-manifests (9 each);
keiretsu-labs/kubernetes-manifests and monosense-io/k8s-gitops (8 each); binbashar/le-tf-infra-aws
and fpco/terraform-aws-foundation (7 each); mrndhlovu/saas-microservices-k8s-ts-nextjs-node (6);
dcaglar/ecommerce-platform-kotlin, devpro/helm-charts and huseyindeniz/gitops-lab (5 each);
project-cantaloupe/02-k8s-manifests and tjungbauer/helm-charts (4 each);
AudiusProject/audius-k8s-manifests, categolj/k8s-manifests, hiroki-it/microservices-manifests,
nbicocchi/learn-microservices, NERC-CEH/datalab-k8s-manifests and rfhold/homelab (3 each);
geoffdavis/talos-gitops, iwacollection/k3s-gitops, kthcloud/go-deploy and petebeegle/homelab (2
each); 2gis/on-premise-helm-charts, aehrc/terraform-aws-serverless-beacon, Apocrathia/homelab,
it-objects/terraform-aws-terra3, TheBranchDriftCatalyst/talos-homelab,
truong-devops/ecommerce-microservices and webgrip/homelab-cluster (1 each). Twenty-four had none:
addreas/homelab, alphagov/accessibility-monitoring-platform, Altinn/dialogporten-manifests,
AndriyKalashnykov/spring-microservices-k8s, cterence/homelab-gitops,
Dimpact-Samenwerking/helm-charts, elastisys/ck8s-cluster, ethpandaops/ethereum-helm-charts,
gabriellfe/microservices-k8s, jeiang/k8s-manifests, josevictorferreira/homelab,
living-atlases/la-docker-compose, mehdihadeli/food-delivery-microservices,
micheleformenti/microservices-k8s-platform, Planning-Inspectorate/infrastructure-environments,
play-builder/EKS-infra, randomcoww/homelab, RedHatInsights/notifications-backend,
RijksICTGilde/RIG-Cluster, shepherdjerred/homelab, UnstoppableMango/the-cluster,
victoriacheng15/observability-hub, y-miyazaki/terraform-aws-base and ZackZhouHB/zack-gitops-project.
What was not true in them:

- 12, false: `module.globals.var.name`, an output that is called var (INF004).
- 4, false: a folder that a page names beside itself, and another one that ends so (OBS004).
- 4, false: a template of which Terraform makes a script (VAL003).
- 4, false: the name of a creation, and words that stand for a secret (INF007); a warning now.
- 3, false: files that ytt fills in, by `#@` (VAL001 and OBJ013); a template now.
- 3, false: a grant that another folder's list brings (NET008); a warning now.
- 2, false: Secrets that an operator brings from 1Password (OBJ008).
- 2, false: a route that is built with another name, and a Service of another folder (NET004).
- 8, false, each once: a Service that Rook makes (OBS024), a namespace that Flux gives (OBJ042),
  TLSv1.3 by its capitals (VAL028), settings of nginx that are mounted to be read (IMG040), a field
  that a variable names (INF005), a namespace that a release gives (SEC013), a tag of those who
  write there (PIP004), a program in another language within a text (INF030).
- 11, pedantic: objects for an upgrade from a release of long ago (VAL001); a warning now.
- 6, pedantic: probes that a chart's own values leave open (OBJ007); a warning now.
- 4, pedantic: what Helm printed once of a chart that is here (VAL001, OBJ007 and OBJ010); a warning
  now.
- 4, pedantic: workflows in folders where GitHub looks for none (VER004); a warning now.
- 3, pedantic: a loop over a list of one (OBJ034).
- 2, pedantic: patches for whatever there is of a kind (OBJ017); a warning now.
- 1, pedantic: an upload of nothing, in a template of a repository (PIP019); a warning now.
- 1, pedantic: what ends a build, told by two gates (OBJ045 and files).
- 13, pedantic, left as they are: folders that a sign at their end switches off (INF004, 4), samples
  of Istio that are kept in a folder (OBJ007, VAL001 and MSH007), data that is lost as its comment
  says (OBJ026, 3), a path told by two gates (OBJ010, 2), the image that a chart begins with
  (IMG040).

## Not seen before, a thirty-fifth time

Twenty-seven more, on 2026-12-01: what Argo CD applies, Terraform of EKS, microservices with their
manifests, and collections of examples; chosen by name alone, of at most 4,200 files each. What is
likely was not judged.

| Repository | Errors | True | Pedantic | False | Later |
|---|---:|---:|---:|---:|---:|
| elastisys/compliantkubernetes-apps | 41 | 23 | 16 | 2 | 23 |
| codejsha/infrastructure-examples | 38 | 20 | 18 | 0 | 20 |
| marcioazam/microservices-base | 35 | 32 | 3 | 0 | 32 |
| ManagedKube/kubernetes-ops | 24 | 21 | 3 | 0 | 21 |
| davidfox87/crossplane-eks-argocd-mlops | 14 | 12 | 0 | 2 | 12 |
| DevOps-Engineers-Team/eks-argocd-terraform-infra | 12 | 2 | 10 | 0 | 2 |
| jonpulsifer/infra | 10 | 6 | 4 | 0 | 7 |
| ViktorBarzin/infra | 5 | 2 | 0 | 3 | 2 |
| triplom/infrastructure-repo-argocd | 3 | 3 | 0 | 0 | 3 |
| camunda/camunda-deployment-references | 2 | 2 | 0 | 0 | 2 |
| e2b-dev/infra | 2 | 2 | 0 | 0 | 2 |
| muhammadsadek94/ArgoCD | 2 | 2 | 0 | 0 | 2 |
| deas/argocd-conductr | 1 | 0 | 1 | 0 | 1 |
| play-builder/argocd-gitops | 1 | 1 | 0 | 0 | 1 |

Thirteen had none: abohmeed/argocd-class-resources, barbarosydev/argocd-lab, danillocampelo/danillo-
argocd-public-repo, dolr-ai/yral-bare-metal-kubernetes-cluster, fearfactor3/argocd-eks-terraform,
gutmensch/argocd, hemant0308/argocd-platform, MoranWeissman/argocd-addons-platform,
mphan1995/argocd-eks-sample, radamhu/argocd, stuttgart-things/argocd, syedislamuddin/gtserver-argocd
and walnuts1018/infra.

Of the first errors 67% are true, 29% pedantic and 4% false: 44 of the 55 pedantic ones are of three
kinds, each in one repository. Later there are 130, of which 128 are true (98%). What was not true:

- 2, false: settings of istioctl, which need no name (VAL001).
- 2, false: a path of health that nginx passes on as a whole (SRV001).
- 1, false: two numbers with a slash between them that are not a network (INF004).
- 1, false: a kind of Cluster API, whose name another operator has, too (POL004).
- 1, false: a value that Helmfile's templates give (OBJ022); a warning now.
- 18, pedantic: commands to copy, in files that nothing runs (VAL003); a warning now.
- 16, pedantic: kinds in a group that is gone, beside the same kinds in theirs (POL004).
- 13, pedantic: samples of a release that was copied whole (INF003, VAL001, VAL003 and MSH007); a
  warning now.
- 3, pedantic: a pod as another user than its image, of which neither owns a file (IMG010); a
  warning now.
- 3, pedantic: hosts and images that a chart's own values leave open (OBJ005 and OBJ007); a warning
  now.
- 2, pedantic, left as they are: a budget that is to keep each eviction away, as its name says
  (SCL005), and a peer without a selector, told by two gates (OBJ013 and VAL001). 3 more were of a
  gate that is new since: two files of one folder of which either is meant (INF097); warnings now.

Gates of Terraform that are new since (INF097 to INF100) and those that know more (INF001, INF092,
INF095 and INF096) were then run over 7,429 further files of Terraform that no gate had been made
with: those of alphagov/govuk-infrastructure, aws-ia/terraform-aws-eks-blueprints,
cloudposse/terraform-aws-components, GoogleCloudPlatform/cloud-foundation-fabric,
ministryofjustice/modernisation-platform-environments and of two of terraform-aws-modules. After
corrections of four kinds none of their errors is false. Among them are five variables that a file
declares twice, a condition that gives `contains` one argument, which ends each plan of that folder,
a module that is called without what it requires, and names of modules and resources that have gone.

## Not seen before, a thirty-sixth time

Twenty-four more, on 2026-12-01: microservices with their manifests, charts of companies and at
home, catalogues of kustomizations, modules of Terraform, and four estates; chosen by name alone, of
at most 3,700 files each. What is likely was not judged.

| Repository | Errors | True | Pedantic | False | Later |
|---|---:|---:|---:|---:|---:|
| mingfang/terraform-k8s-modules | 36 | 34 | 0 | 2 | 34 |
| opencenter-cloud/openCenter-gitops-base | 21 | 21 | 0 | 0 | 21 |
| CytrexSGR/news-microservices | 15 | 14 | 0 | 1 | 14 |
| redhat-na-ssa/demo-ai-gitops-catalog | 15 | 13 | 1 | 1 | 14 |
| rodrigorodrigues/microservices-design-patterns | 15 | 15 | 0 | 0 | 15 |
| aws-samples/terraform-eks-code | 9 | 3 | 5 | 1 | 6 |
| wiremind/wiremind-helm-charts | 7 | 7 | 0 | 0 | 7 |
| global-121/121-platform | 3 | 3 | 0 | 0 | 3 |
| networkservicemesh/deployments-k8s | 3 | 2 | 1 | 0 | 3 |
| rajadilipkolli/spring-boot-microservices-series-v2 | 3 | 2 | 1 | 0 | 2 |
| terchris/urbalurba-infrastructure | 3 | 3 | 0 | 0 | 3 |
| bjw-s/helm-charts | 1 | 1 | 0 | 0 | 1 |
| luthersystems/insideout-terraform-presets | 1 | 0 | 1 | 0 | 1 |
| mattdifi05/platform-infrastructure | 1 | 0 | 0 | 1 | 0 |
| pagopa/cstar-infrastructure | 1 | 1 | 0 | 0 | 1 |

Nine had none: FD-North-America/aws-saas-factory-eks-reference-architecture,
TimSchoenle/helm-charts, XenitAB/terraform-modules, codex-k8s/codex-k8s,
grafana/k8s-monitoring-helm, koskev/k8s, kusal-viraj/eks-template-deploy,
nanohype/eks-agent-platform and nekarak8s/gallery.

Of the first errors 89% are true, 7% pedantic and 4% false: for the first time, more than the 85%
that are the goal. Later there are 125, of which 119 are true (95%). Among the true ones are 55 of
what Terraform refuses (INF001, INF004, INF096 to INF099), deployments that give a rollout up before
a pod may be ready (SCL007, 5), versions that are gone (VAL001, VER004, VER005, VER008 and INF003,
16), a dependency of a chart that a misspelt condition cannot turn off (OBJ022), and two last
migrations (SQL004). What was not true:

- 2, false: variables that all services of a Compose file merge from one part, and that name a
  service that one of them does not call (IMG016).
- 1, false: a step that runs for pushes alone (PIP004).
- 1, false: the way back of a version, which a person applies by hand (SQL001); a warning now.
- 1, false: a value that begins with `=` (VAL003); a warning now.
- 1, false: an image that OpenShift writes, as an annotation says (OBJ013); a warning now.
- 2, pedantic: files in a folder that is called `notused` (INF096 and VAL001); a warning now.
- 1, pedantic: a patch that no kustomization names (OBJ013); a warning now.
- 6, pedantic, left as they are: three files of a folder `saved` (INF096), a check that holds for
  each value, as its author says (INF030), a branch's name in a script of a job that only two users
  start (PIP004), and memory that is as large as its limit (RES004).

One of these repositories has 322 kustomizations, which took 158 s of processor time: each was
judged beside all other files. Where there are more than 32, those without a common object or file
are judged together now, in 22 s; its errors are the same.
"""
