"""What docs/evidence/precision.md says of the sets after the twenty-first."""

from __future__ import annotations

LATER_SETS = """\

## Not seen before, a twenty-second time

Twenty-four more, on 2026-11-29 by all gates of the day: applications with Compose files, some of
which include or extend others, workflows with actions of their own, two products with charts, two
clusters at home, Terraform of three authorities. A third of the errors are in one of these,
ministryofjustice/analytical-platform. Five had no error: HHS/Head-Start-TTADP,
frappe/frappe_docker, hyperledger/fabric-samples, libretime/libretime and wazuh/wazuh-docker.

| Repository | First | True | Pedantic | False | Later |
|---|---:|---:|---:|---:|---:|
| ministryofjustice/analytical-platform | 20 | 19 | 0 | 1 | 19 |
| mojaloop/ml-core-test-harness | 7 | 1 | 1 | 5 | 2 |
| lisenet/kubernetes-homelab | 6 | 1 | 5 | 0 | 2 |
| CMSgov/ab2d | 4 | 2 | 2 | 0 | 2 |
| cisagov/manage.get.gov | 3 | 1 | 1 | 1 | 1 |
| internetarchive/openlibrary | 3 | 3 | 0 | 0 | 3 |
| jupyterhub/zero-to-jupyterhub-k8s | 3 | 0 | 1 | 2 | 0 |
| rafaribe/home-ops | 3 | 0 | 1 | 2 | 0 |
| CMSgov/bcda-app | 2 | 0 | 0 | 2 | 0 |
| DFE-Digital/teaching-vacancies | 2 | 1 | 1 | 0 | 1 |
| mozilla/experimenter | 2 | 2 | 0 | 0 | 2 |
| ohcnetwork/care | 2 | 2 | 0 | 0 | 2 |
| OpenDroneMap/WebODM | 1 | 0 | 1 | 0 | 0 |
| eclipse-tractusx/tractusx-edc | 1 | 1 | 0 | 0 | 1 |
| mitodl/mit-learn | 1 | 1 | 0 | 0 | 1 |
| nautobot/nautobot | 1 | 0 | 0 | 1 | 0 |
| open-zaak/open-zaak | 1 | 1 | 0 | 0 | 1 |
| openwisp/docker-openwisp | 1 | 0 | 1 | 0 | 0 |
| suitenumerique/meet | 1 | 0 | 0 | 1 | 0 |
| **all** | 64 | 35 | 14 | 15 | 37 |

Of the first errors 55% are true, of the later ones 95%. What was false, of eight kinds:

- 5: a folder of scripts that is mounted with a slash behind it (IMG035).
- 2: locations whose path nginx asks for itself, or a rewrite replaces (SRV001).
- 2: variables that a kubelet sets for each Service (OBJ016).
- 2: a script in which Flux makes `$` of each `$$` (VAL003).
- 1: a subject that ends with `*`, which stands for a colon, too (INF016).
- 1: a bucket whose name in `locals` ends with `*`, as what is in it does (INF016).
- 1: a healthcheck that only tunes the one of its own Dockerfile (IMG015).
- 1: the branch of a pull request in a workflow that none starts (PIP004).
- 14, pedantic: branches in scripts by `pull_request` alone, whose authors write the workflow, too
  (PIP004, 5); exercises for an exam (RES001, NET050, VAL001, 5); a name that kustomize replaces
  (OBJ013), no time to end for pods without data (OBJ011) and a password that its name tells
  (IMG014), all but one of which are warnings now; and settings that are to be written (OBS015).

The warnings were sampled, too. False were columns of tables that the same migration makes
(SQL005), files from above that Flux reads (OBJ045), principals with a region (INF017), rights for
issues that `stale` leaves alone (PIP011), and a move of objects on their first day (INF004); these
are left alone now. The thirty-seven newest gates find nothing in these repositories.

## Not seen before, a twenty-third time

Thirty-two more, on 2026-11-29, the first with three severities (docs/decisions/0049): applications
with Compose files and workflows, products with charts, two clusters at home, Terraform of two
authorities, servers by Ansible, seven projects that GitLab builds, and small services of two
companies; chosen by name, of at most 5,000 files each. What is an error fails `verify --files`;
what is likely is counted apart.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| CMSgov/dpc-app | 5 | 1 | 4 | 0 | 1 | 0 | 0 | 0 | 0 |
| LLNL/Umpire | 3 | 0 | 1 | 2 | 0 | 0 | 0 | 0 | 0 |
| galaxyproject/galaxy-helm | 3 | 0 | 3 | 0 | 0 | 0 | 0 | 0 | 0 |
| GSA/catalog.data.gov | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 | 0 |
| alphagov/forms-deploy | 2 | 0 | 2 | 0 | 0 | 0 | 0 | 0 | 0 |
| alphagov/notifications-api | 2 | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 |
| bcgov/common-hosted-form-service | 2 | 1 | 1 | 0 | 2 | 1 | 1 | 0 | 0 |
| mozilla-services/syncstorage-rs | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 | 0 |
| coolguy1771/home-ops | 1 | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |
| rommapp/romm | 1 | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |
| trezor/blockbook | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| usdigitalresponse/usdr-gost | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| DataDog/datadog-agent-buildimages | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 1 | 0 |
| **all** | 25 | 6 | 13 | 6 | 9 | 2 | 1 | 1 | 0 |

Nineteen had neither: DataDog/datadog-lambda-extension, bitnami-labs/sealed-secrets,
ckan/ckan-docker, debops/debops, espressif/esptool, freedomofpress/securedrop, guardian/amigo,
jaegertracing/helm-charts, jenkins-infra/aws, larivierec/home-cluster, maykinmedia/objects-api,
mendersoftware/integration, mendersoftware/mender-server, ministryofjustice/laa-apply-for-legal-aid,
nodejs/build, osism/testbed, taigaio/taiga-docker, zalando-incubator/es-operator and
zammad/zammad-helm.

Of the first errors 24% are true and as many false; of the nine later ones seven are true, one of
which was likely before. True were two indices that a migration drops CONCURRENTLY in a transaction
(SQL004), a field that a NetworkPolicy does not have (VAL001), outputs that a job does not have
(PIP001, 2), the data of the newest PostgreSQL at a place of an older one (IMG015), and a Redis that
does not read its password (IMG039), which was likely and is an error now. What was not true, by
kind:

- 2, false: a variable whose name begins with a word for secrets: TOKENSERVER (IMG014).
- 2, false: an argument that Compose gives no build, and that nothing reads (IMG014).
- 2, false: scripts of zsh, which ShellCheck does not know (VAL003).
- 1, false, and likely: a job in pipelines of all branches but the default one (PIP027).
- 4, pedantic: the branch of a pull request in a script by `pull_request` alone, said twice by other
  programs (VAL020, VAL022), as PIP004 no longer does.
- 3, pedantic: Upgrade in each location of a server that keeps no connection open (SRV004).
- 2, pedantic: a length of at least 0 in one of two cases, where it may be any (INF030).
- 1, pedantic: an output without its step that nothing reads (VAL020).
- 1, pedantic: a file that a program wrote for itself, and that is no YAML (files).
- 2, pedantic, left as they are: a password that its authors put into a public image (IMG014), and
  a kustomization without one of its files in a folder of a cluster that is no longer applied.

## Not seen before, a twenty-fourth time

Thirty-four more, on 2026-11-30: applications with Compose files and workflows, products with charts
and operators, two clusters at home, Terraform of four authorities, services with units of systemd
and settings of nginx, five projects that GitLab builds, and services of two companies; chosen by
name, of at most 5,000 files each. Three that took longer than 500 seconds were left out.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| stackhpc/stackhpc-kayobe-config | 28 | 0 | 3 | 25 | 0 | 0 | 0 | 0 | 0 |
| elastic/cloud-on-k8s | 17 | 2 | 1 | 14 | 3 | 1 | 1 | 0 | 0 |
| samvera/hyku | 9 | 5 | 4 | 0 | 4 | 0 | 0 | 0 | 0 |
| alphagov/govuk-aws | 6 | 6 | 0 | 0 | 6 | 0 | 0 | 0 | 0 |
| DataDog/datadog-operator | 3 | 2 | 0 | 1 | 2 | 0 | 0 | 0 | 0 |
| ministryofjustice/opg-use-an-lpa | 3 | 2 | 1 | 0 | 4 | 6 | 2 | 4 | 0 |
| fedora-copr/copr | 2 | 1 | 0 | 1 | 2 | 1 | 1 | 0 | 0 |
| ooni/devops | 2 | 0 | 1 | 1 | 0 | 0 | 0 | 0 | 0 |
| CMSgov/beneficiary-fhir-data | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| StackStorm/stackstorm-k8s | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| haraldkoch/kochhaus-home | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| os-autoinst/openQA | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| mendersoftware/mender-helm | 0 | 0 | 0 | 0 | 6 | 6 | 6 | 0 | 0 |
| **all** | 74 | 20 | 10 | 44 | 29 | 14 | 10 | 4 | 0 |

Twenty-one had neither: archlinux/aurweb, artsy/force, broadinstitute/gnomad-browser,
cal-itp/data-infra, CenterForOpenScience/osf.io, datacite/lupo, developmentseed/eoapi-k8s,
Diaoul/home-ops, docker-mailserver/docker-mailserver, eclipse-hawkbit/hawkbit, fedora-infra/bodhi,
LLNL/axom, LLNL/RAJA, LLNL/serac, medic/cht-core, pulp/pulp-operator, rucio/containers,
rucio/helm-charts, uktrade/data-workspace-frontend, wellcomecollection/catalogue-api and
zalando/patroni.

Of the first errors 27% are true and 59% false, 38 of the 44 by two kinds in two repositories; all
of the later ones are true. Nine of them were likely before: pods of migrations that get requests of
a Service (NET012, 7), an input that a called workflow does not have (PIP012), and jobs that are
skipped with one far before them (PIP024); so was a mounted key that its ConfigMap does not have
(ENV007). These four gates are confirmed. What was not true, by kind:

- 24, false: dashboards between `{% raw %}` and `{% endraw %}`, which a role of Ansible copies
  (OBS023).
- 14, false: fields of what is in a list whose definition keeps unknown fields (VAL001).
- 1, false: the end of a line that `echo -n` began in GITHUB_OUTPUT (PIP029).
- 1, false: a value by a definition in a bundle, which is older than the one beside it (VAL001).
- 1, false: a kind of event that AWS has sent since (INF012).
- 1, false: the labels of a series that a number is held against: `scalar(a) - b` (OBS028).
- 1, false: a text in a step that goes on over several lines (VAL004).
- 1, false: a file of Perl's tests in `t/`, whose name says that it is invalid (files).
- 4, false, and likely: artifacts that another called workflow keeps, by a matrix (PIP011).
- 4, pedantic: a variable of a file that six services share, of which two read it (IMG016), which is
  one finding now.
- 3, pedantic: secrets of a workflow that is started by hand, which GitHub passes over (VAL020).
- 1, pedantic: an output of a step that is commented out (VAL020).
- 1, pedantic: a branch in a workflow that others call, each by `pull_request` alone or without a
  pull request (PIP004).
- 1, pedantic: a DaemonSet without a selector, which VAL001 says, too (OBJ009).

## Not seen before, a twenty-fifth time

Forty-six more, on 2026-11-30: applications with Compose files and workflows, products with charts
and operators, three clusters at home, Terraform of four authorities, servers by Ansible and Salt,
seven projects that GitLab builds, and services of companies; chosen by name, of at most 5,000
files each.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| opencrvs/opencrvs-countryconfig | 83 | 6 | 6 | 71 | 6 | 0 | 0 | 0 | 0 |
| MISP/misp-docker | 34 | 6 | 28 | 0 | 2 | 0 | 0 | 0 | 0 |
| ministryofjustice/modernisation-platform | 8 | 2 | 4 | 2 | 3 | 2 | 2 | 0 | 1 |
| wellcomecollection/storage-service | 6 | 0 | 6 | 0 | 6 | 0 | 0 | 0 | 0 |
| spack/spack-infrastructure | 5 | 5 | 0 | 0 | 5 | 3 | 3 | 0 | 3 |
| usegalaxy-eu/infrastructure-playbook | 5 | 5 | 0 | 0 | 5 | 0 | 0 | 0 | 0 |
| bcgov/traction | 4 | 1 | 1 | 2 | 1 | 0 | 0 | 0 | 0 |
| cal-itp/benefits | 4 | 1 | 1 | 2 | 1 | 0 | 0 | 0 | 0 |
| fluent/helm-charts | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 | 0 |
| GSA-TTS/FAC | 3 | 0 | 3 | 0 | 0 | 0 | 0 | 0 | 0 |
| RedHatInsights/clowder | 3 | 3 | 0 | 0 | 3 | 0 | 0 | 0 | 0 |
| georchestra/helm-georchestra | 3 | 1 | 2 | 0 | 3 | 0 | 0 | 0 | 0 |
| acts-project/acts | 2 | 1 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |
| bcgov/foi-flow | 2 | 0 | 2 | 0 | 1 | 1 | 1 | 0 | 0 |
| paritytech/helm-charts | 2 | 0 | 0 | 2 | 0 | 3 | 0 | 3 | 0 |
| Altinn/dialogporten | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| NHSDigital/NRLF | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| Signalen/backend | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| archlinux/infrastructure | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| cloud-gov/deploy-cf | 1 | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |
| dimagi/commcare-cloud | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| espressif/idf-component-manager | 1 | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |
| eth-cscs/firecrest | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| onaio/onadata | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| reportportal/kubernetes | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| signalfx/splunk-otel-collector-chart | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| tholinka/home-ops | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| **all** | 180 | 40 | 56 | 84 | 48 | 9 | 6 | 3 | 4 |

Nineteen had neither: auricom/home-ops, azimuth-cloud/azimuth-config,
City-of-Helsinki/tilavarauspalvelu-core, DataDog/libdatadog, getsentry/snuba, JefeDavis/k8s-HomeOps,
jupyterhub/binderhub, kedacore/charts, LLNL/CHAI, LLNL/conduit, mendersoftware/mender-artifact,
mosip/mosip-helm, nais/device, OpenConext/OpenConext-deploy, paritytech/substrate-telemetry,
pixelfed/pixelfed, python/psf-salt, stackhpc/capi-helm-charts and
utilitywarehouse/terraform-applier.

Of the first errors 22% are true and 47% false, 71 of the 84 of one gate in four files of one
repository. Of the 48 later ones 37 are true and 11 pedantic; two were likely before and are errors
now: a file of settings that MongoDB does not read (IMG035), and a number of a pull request that an
issue does not have (PIP028). Among the true ones are five conditions that never hold or always do
(PIP013); roles that every account of a cluster may take (INF005, 4); fields that a pod does not
have (VAL001, 3); an alert that never fires (OBS025); and a command of which a shell runs the first
word alone (IMG020). What was not true, by kind:

- 71, false: services of Compose files that get their images of another repository's file, and
  secrets whose names a script completes (IMG015). So many of one gate are likely now.
- 4, false: dashboards that a chart fills in by `tpl` (OBS023).
- 2, false: numbers of probes that are 0, where the API server writes its own (OBJ011).
- 2, false: `!(contains(needs.*.result, 'failure'))`, which asks for no failure (PIP019).
- 2, false: a day of a month as `THU#2` (INF030).
- 1, false: a job for pull requests, in a workflow that runs of others start, too (PIP004).
- 1, false: an ARG that goes on over several lines, before an ENV (VAL004).
- 1, false: a key of a build whose value says that it is insecure (IMG014).
- 3, false, and likely: autoscalers by the values of a chart's tests (OBJ021), warnings as in all of
  these tests.
- 27, pedantic: variables that are given twice with the same value (OBJ007). Those with other values
  are one finding of a container now.
- 13, pedantic: first lines for the kernel that are not the first, or lack their `!`, in scripts
  that shells start (VAL003).
- 6, pedantic, left as they are: ACLs of buckets that have been there since 2019 (INF020).
- 3, pedantic: a token with all rights (VAL022), now a warning, as all that a team trusts.
- 5, pedantic, left as they are: conditions that are always met, and meant to be, where pull
  requests alone start a workflow (PIP013, 2); a checkout whose code nothing runs (PIP004); a loop
  without `---` that makes one object by the chart's own values (OBJ034); and a file that nothing
  reads.
- 1, pedantic: a job that is skipped with another, whose own condition reads nothing (PIP024).
- 1, pedantic: a step that asks for a cache which is there no more (VAL020).

## Not seen before, a twenty-sixth time

Forty-one more, on 2026-11-30: applications with Compose files and workflows, products with charts
and operators, five clusters at home, Kubernetes by Ansible, Terraform of two authorities, five
projects that GitLab builds, and services of companies and research; chosen by name, of at most
5,000 files each.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| nasa/harmony | 109 | 0 | 0 | 109 | 0 | 0 | 0 | 0 | 0 |
| MTES-MCT/trackdechets | 27 | 14 | 0 | 13 | 14 | 1 | 1 | 0 | 1 |
| ministryofjustice/cla_backend | 21 | 1 | 20 | 0 | 1 | 0 | 0 | 0 | 0 |
| DataDog/KubeHound | 10 | 5 | 2 | 3 | 5 | 0 | 0 | 0 | 0 |
| neicnordic/sensitive-data-archive | 8 | 8 | 0 | 0 | 8 | 2 | 0 | 2 | 0 |
| danskernesdigitalebibliotek/dpl-platform | 7 | 3 | 3 | 1 | 3 | 2 | 0 | 2 | 0 |
| solidDoWant/infra-mk3 | 7 | 0 | 0 | 7 | 0 | 29 | 0 | 29 | 0 |
| suitenumerique/people | 6 | 4 | 2 | 0 | 4 | 0 | 0 | 0 | 0 |
| HSLdevcom/digitransit-kubernetes-deploy | 4 | 1 | 0 | 3 | 3 | 2 | 2 | 0 | 0 |
| cernanalysispreservation/analysispreservation.cern.ch | 4 | 2 | 1 | 1 | 3 | 0 | 0 | 0 | 0 |
| zebernst/homelab | 4 | 2 | 0 | 2 | 2 | 0 | 0 | 0 | 0 |
| cloud-gov/pages-core | 4 | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 |
| ministryofjustice/staff-device-dns-dhcp-infrastructure | 3 | 0 | 1 | 2 | 1 | 0 | 0 | 0 | 0 |
| adfinis/helm-charts | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| MacroPower/homelab | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| uc-cdis/gen3-helm | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| betagouv/itou | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 1 | 0 |
| **all** | 217 | 46 | 29 | 142 | 50 | 37 | 3 | 34 | 1 |

Twenty-four had neither: alphagov/publishing-api, bank-vaults/bank-vaults, c2corg/v6_api,
cds-snc/notification-api, DataDog/browser-sdk, DataDog/glommio, DataDog/orchestrion,
espressif/esp-protocols, gocardless/theatre, heavybullets8/heavy-ops,
LilDrunkenSmurf/k3s-home-cluster, LLNL/blt, maykinmedia/open-inwoner, mendersoftware/deviceauth,
mendersoftware/mender-connect, mendersoftware/workflows, monzo/response, mozilla/fx-private-relay,
openfun/marsha, OpenHistoricalMap/ohm-deploy, OpenLMIS/openlmis-ref-distro, PDOK/mapserver-operator,
solita/etp-core and suitenumerique/drive.

Of the first errors 21% are true and 65% false, 109 of the 142 of one kind in one repository;
without it, 43% and 31%. Of the 50 later ones 48 are true and 2 pedantic; two were likely before and
are errors now: Node's old space that is as large as its container's memory (RES003). Among the true
ones are jobs of hooks that stay where they fail, so that no later release is made (OBJ048, 5); a
backup each hour that was to be one each day (OBJ018); arguments of builds that no Dockerfile takes
(IMG044, 4); a file of which the server refuses the rest for `----` (files); scripts that no shell
reads (VAL003, 6); texts of an alert with labels that its result has lost (OBS028, 2); and
containers below metadata (VAL001). What was not true, by kind:

- 109, false: `$NAME` as a whole value, which a script fills in by envsubst (VAL001, OBJ005,
  OBS016), as `${NAME}` was already.
- 11, false: a collector of OpenTelemetry that reads two files, of which one names parts of the
  other (OBS030).
- 7, false: `off` for a text, which Kustomize hands on as one, and Flux with it; an API server that
  gets the file itself refuses it (VAL001).
- 2, false: a budget of one environment's folder beside the pods of another one (SCL005). Of several
  workloads and autoscalers of one name, five gates take the nearest now.
- 2, false: `github.head_ref` where nothing starts a workflow that has a pull request (VAL020,
  VAL022).
- 2, false: the name of an alert that begins with `${APP}` (OBS016).
- 2, false: a time by cron of what is scaled by a schedule, which has seconds first (INF030).
- 2, false: a port with `/UDP` in capitals (IMG015).
- 1, false: a mount of a build without its place, which is WORKDIR then (VAL004).
- 1, false: a value in `<>` with signs in it (VAL001).
- 1, false: a template whose lines are `$NAME` (files).
- 1, false: a patch without an image, which Terraform writes into a kustomization (OBJ007).
- 1, false: a header of nginx that is given twice, and once empty, which nginx leaves out (SRV004).
- 29, false, and likely: Secrets that are decrypted by a patch of a Kustomization which is part of
  another build (GIT018).
- 2, false, and likely: a script for bash in images of servers on Alpine, which have it (IMG023).
- 2, false, and likely: an autoscaler from 1 to 1 beside one that changes the size (OBJ015).
- 1, false, and likely: a migration that follows nothing of an app which Django migrates before it,
  by the names of the apps (SQL006).
- 20, pedantic: variables that are given again, where the first one is of a Secret that need not be
  there (OBJ007).
- 3, pedantic: a filter of tags for pull requests, which have none (VAL020).
- 2, pedantic: a password that anyone guesses, in an image (IMG014).
- 2, pedantic: two services with one port, of which one is called as the other with `-dev` (IMG016).
- 2, pedantic, left as they are: an ACL of a bucket (INF020), and an empty commit to begin with, for
  which a script has its own (PIP028).

## Not seen before, a twenty-seventh time

Fifty-one more, on 2026-11-30: applications with Compose files and workflows, products with charts
and operators, five clusters at home, Terraform and Pulumi of three estates, Ansible and Chef, four
projects that GitLab builds, and services of authorities and research; chosen by name, of at most
5,000 files each. What a copy lacks, a file of 4 MiB or more, is counted for nothing.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| bitpoke/mysql-operator | 10 | 6 | 1 | 3 | 6 | 0 | 0 | 0 | 0 |
| bcgov/biohubbc | 9 | 9 | 0 | 0 | 9 | 0 | 0 | 0 | 0 |
| DataDog/stratus-red-team | 8 | 0 | 0 | 8 | 0 | 1 | 0 | 1 | 1 |
| signalfx/signalfx-agent | 7 | 2 | 5 | 0 | 2 | 0 | 0 | 0 | 0 |
| absmach/magistrala | 6 | 1 | 0 | 5 | 1 | 0 | 0 | 0 | 0 |
| DFE-Digital/register-trainee-teachers | 6 | 5 | 0 | 1 | 1 | 0 | 0 | 0 | 0 |
| wellcomecollection/platform-infrastructure | 5 | 0 | 5 | 0 | 0 | 0 | 0 | 0 | 5 |
| broadinstitute/seqr | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 | 0 |
| rackerlabs/understack | 4 | 0 | 2 | 2 | 0 | 0 | 0 | 0 | 0 |
| timtorChen/homelab | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 | 0 |
| zalando-incubator/kube-metrics-adapter | 4 | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 |
| camunda/camunda-platform-helm | 2 | 0 | 1 | 1 | 0 | 0 | 0 | 0 | 0 |
| indigo-iam/iam | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 | 0 |
| mendersoftware/deployments | 2 | 1 | 0 | 1 | 1 | 0 | 0 | 0 | 0 |
| tuxpeople/k8s-homelab | 2 | 1 | 0 | 1 | 1 | 0 | 0 | 0 | 0 |
| apache/solr-operator | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| e-mission/e-mission-docker | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| ministryofjustice/hmpps-interventions-service | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| minvws/nl-kat-coordination | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| mitodl/ol-infrastructure | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| SocialGouv/domifa | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| uselagoon/lagoon | 1 | 1 | 0 | 0 | 10 | 20 | 8 | 12 | 0 |
| wmde/wikibase-release-pipeline | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| gabe565/home-ops | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 1 | 0 |
| **all** | 83 | 36 | 14 | 33 | 41 | 22 | 8 | 14 | 6 |

Twenty-seven had neither: amazeeio/charts, argoproj/argoproj-deployments, binaryn3xus/home-ops,
cds-snc/url-shortener, eclipse-tractusx/puris, espressif/esp-rainmaker, eth-educators/eth-docker,
fedora-infra/noggin, GeoNode/geonode-project, ginkgo-project/ginkgo, inaturalist/iNaturalistAPI,
LLNL/maestrowf, longhorn/charts, maykinmedia/open-klant, mozilla-services/merino-py,
onedr0p/cluster-template, openfoodfacts/robotoff, openstreetmap/chef, packit/packit-service,
paritytech/polkadot-introspector, project-koku/koku, RedHatInsights/insights-host-inventory,
rubygems/rubygems.org, spantaleev/matrix-docker-ansible-deploy, StrangeBeeCorp/docker, uc-cdis/fence
and uktrade/data-hub-api.

Of the first errors 43% are true and 40% false, and no kind has more than eight. Of the 41 later
ones 40 are true and 1 is pedantic, that token; nine were likely before, as there were 24 of them or
they were in eight files (IMG014), and five of one line are one now (PIP029). Among the true ones
are jobs that read what they do not need (PIP001, 8); definitions and an Ingress of versions that
are gone, or with fields of these (VAL001, OBJ010, 11); an address that lacks its part, as the
script that writes a variable reads it (PIP029, 5); a workflow that is started by hand and tests a
pull request without a number (PIP028); a configuration that Prometheus does not read by its name
(IMG035); a commit that is not checked out, as ARG is above FROM (IMG017); data of PostgreSQL 18
beside its volume (IMG015, 2); paths and names that differ by a letter (PIP013, 2); a dashboard
without its data source (OBS036); a rule that grants nothing (OBJ011); and a Dockerfile that is a
script (VAL004). What was not true, by kind:

- 8, false: a variable that four folders of Terraform read and none declares: a program puts the
  file with its declaration beside them (INF004).
- 5, false: a file of variables that many services name, of which one has the secret and reaches the
  server that are in it (IMG015, IMG016).
- 5, false: a checkout of `workflow_run.head_branch`, which without another repository is a branch
  of this one (PIP004); a warning now.
- 4, false: `0 0 0/12 * *` as a schedule of CloudNativePG, whose last field may be left out: it is
  each twelve hours (OBJ018). `0 2 * * *` is each hour there, and still an error.
- 3, false: an image of distroless by a digest alone, which was that of a tag with a shell (IMG011).
- 2, false: a volume of certificates of two databases, each of which has its data apart (IMG024).
- 2, false: kustomizations of operators, of which a tool writes one file of code, or git ignores one
  (files).
- 1, false: libraries that are copied into `scratch` with their program (IMG017).
- 1, false: a Dockerfile of GoReleaser, which has a folder of its own without .dockerignore
  (IMG017).
- 1, false: `.Release` in a dictionary that `with` is given (OBJ034).
- 1, false: `2023-13-01`, which is a text to all readers but that of Python (files).
- 11, false, and likely: secrets of a product's own servers that anyone guesses: the name of their
  user, `super-secret-string` (IMG014).
- 1, false, and likely, left as it is: a token of a cluster for development (IMG014).
- 1, false, and likely: a ConfigMap without a hash in its name, which its HelmRelease finds in the
  namespace that Flux puts both into (OBJ042).
- 1, false, and likely, left as it is: code of a function that no one changes (INF025).
- 5, pedantic: passwords of servers in tests, `testing123` (IMG014).
- 5, pedantic: ACLs of buckets that have been there for years (INF020): likely now, where the whole
  name of the bucket is written; one of a module is made at each use.
- 2, pedantic: paths of a group that is to be merged, which has no such filter (VAL020).
- 1, pedantic: a workflow that is switched off, as a person alone starts it (PIP011).
- 1, pedantic: a kustomization of webhooks that an operator does not have (files).

## Not seen before, a twenty-eighth time

Forty-five more, on 2026-11-30: applications with Compose files and workflows, products with charts
and operators, six clusters at home or of a community, Terraform and Ansible of estates, four
projects that GitLab builds, and services of authorities and research; chosen by name, of at most
5,000 files each. What a copy lacks, a file of 4 MiB or more, is counted for nothing.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| operate-first/apps | 34 | 11 | 1 | 22 | 11 | 19 | 16 | 3 | 17 |
| Altinity/clickhouse-operator | 18 | 10 | 0 | 8 | 10 | 1 | 0 | 1 | 0 |
| redhat-cop/vault-config-operator | 7 | 6 | 0 | 1 | 6 | 0 | 0 | 0 | 0 |
| georchestra/helm-charts | 6 | 3 | 3 | 0 | 6 | 0 | 0 | 0 | 0 |
| SovereignCloudStack/k8s-cluster-api-provider | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 | 0 |
| zabbix/zabbix-docker | 4 | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 |
| christianhuth/helm-charts | 3 | 3 | 0 | 0 | 3 | 0 | 0 | 0 | 0 |
| vaskozl/home-infra | 3 | 1 | 2 | 0 | 1 | 0 | 0 | 0 | 0 |
| nomad-coe/nomad | 2 | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 |
| pulibrary/princeton_ansible | 2 | 1 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |
| RedHatInsights/insights-rbac | 2 | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 |
| 18F/cg-deploy-concourse | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| apache/apisix-helm-chart | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| codeforamerica/vita-min | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |
| digitalservicebund/ris-backend-service | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |
| kashalls/home-cluster | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |
| modoboa/modoboa | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |
| nationalarchives/ds-wagtail | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| OpenConext/OpenConext-devconf | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 |
| swisstopo/swissgeol-boreholes-suite | 1 | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 0 |
| nationalarchives/tdr-terraform-environments | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 1 | 0 |
| **all** | 94 | 46 | 12 | 36 | 50 | 21 | 16 | 5 | 17 |

Twenty-four had neither: adampetrovic/home-ops, Amsterdam/signals, bank-vaults/vault-operator,
DataDog/datadog-lambda-python, EGI-Federation/egi-notebooks-hub, equinor/flotilla,
equinor/radix-operator, geoadmin/service-stac, georchestra/docker, gip-inclusion/les-emplois,
gruberdev/local-gitops, guardian/service-catalogue, librenms/docker,
ministryofjustice/opg-data-lpa-store, mozilla/gcp-ingestion, opencloud-eu/opencloud-compose,
openfun/richie, openobserve/openobserve-helm-chart, percona/percona-helm-charts, perryhuynh/homelab,
purelb/purelb, QubesOS/qubes-builderv2, validatedpatterns/multicloud-gitops and
wellcomecollection/catalogue-pipeline.

Of the first errors 49% are true and 38% false; 17 of the false ones are of one kind in one
repository. Of the 50 later ones 46 are true and 4 pedantic; of the 17 that are likely 16 are true,
15 of one gate: selectors that a version is written into (OBJ032). Among the true ones are
definitions that lack or misspell a field, or whose objects are of versions that are gone (VAL001,
10); heaps as large as a container's limit (RES003, 6); platforms that are empty in a later stage
(IMG017, 4); `udate` for update (OBJ011, 3); ports as texts (OBJ005, 2) and patches as names (OBJ005
and files, 3); replicas that each apply resets (GIT004, 2); conditions that are always true (PIP013,
2); a title of a pull request in a script with a secret (PIP004, 2); ports of a network that nothing
outside reaches (IMG033, 2); a volume beside the data of PostgreSQL (IMG015); a job that never runs
(PIP001); a `chown` that is an argument of its shell (IMG020); and a component that differs by a
letter (PLT001). What was not true, by kind:

- 17, false: claims that JupyterHub makes for its users, of which a file here gives the size alone
  (OBJ010).
- 6, false: definitions for older clusters, in files that are called by their version, `v1beta1`,
  beside others for today's (VAL001).
- 4, false: kustomizations that list a file which a script here links to one of many versions
  (OBJ012, files).
- 2, false: one object in three states, in a file of an example that has nothing else (OBJ003).
- 2, false: a Secret whose keys are made by a template in a ConfigMap (ENV007).
- 1, false: a Secret that takes each key of its entry in a store (OBJ016).
- 1, false: a monitor that selects all Services of a namespace, of which an operator makes some
  (OBS024).
- 1, false: a kustomization most of whose files are absent, as it is put over a folder of another
  repository; a similar name was no misspelling (OBJ012).
- 1, false: a patch that `envsubst` fills in under another name, as if it were the whole object
  (VAL001).
- 1, false: keys `[urn:uid]`, which are lists to YAML, and which Spring's reader takes (files).
- 1, false, and likely: two budgets in two files, of which one is chosen: both have the same
  StatefulSet (OBJ015).
- 1, false, and likely: a function that begins with an archive of 163 bytes (INF025).
- 1, false, and likely: a name for Reloader, which has nothing to do where names have a hash
  (OBJ017).
- 1, false, and likely: a role to look around, which is called public (SEC016); a warning now.
- 1, false, and likely, left as it is: an ACL of a bucket that is older than the rule (INF020).
- 4, pedantic: files that the lists beside them leave out, where Flux or Argo CD applies all
  (VAL001, files): warnings there now.
- 1, pedantic: a value that is empty in a job that is switched off, `&& false` (PIP028): all is a
  warning in such a job.
- 1, pedantic: branches of a release, which GitHub passes over (VAL020).
- 1, pedantic: `pg_isready` without its database, which answers the same (IMG033).
- 1, pedantic: a playbook of Molecule that its scenario does not use (files).
- 4, pedantic, left as they are: a folder in place of a file that a chart of others mounts (ENV007),
  a Service of a worker that nothing calls (NET001), a resource in another group beside two that are
  in it (OBJ011), and the password of a database that one job fills (IMG014).
"""
