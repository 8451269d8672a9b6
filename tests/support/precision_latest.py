"""What docs/evidence/precision.md says of the sets after the twenty-eighth."""

from __future__ import annotations

LATEST_SETS = """\

## Not seen before, a twenty-ninth time

Thirty-six more, on 2026-11-30: applications with Compose files and workflows, products with charts
and operators, three clusters at home and a fleet, Terraform of three estates, Kubernetes by
Ansible, Celery and OpenShift, four projects that GitLab builds, and services of companies,
authorities and research; chosen by name, of at most 5,000 files each. What a copy lacks, a file of
4 MiB or more, is counted for nothing.

| Repository | Errors | True | Pedantic | False | Later | Likely | True | False | Later |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| openshift/managed-cluster-config | 62 | 13 | 33 | 16 | 18 | 30 | 3 | 27 | 0 |
| hyperledger/bevel | 14 | 8 | 4 | 2 | 8 | 0 | 0 | 0 | 0 |
| NHSDigital/dtos-cohort-manager | 10 | 3 | 0 | 7 | 3 | 0 | 0 | 0 | 0 |
| lenaxia/home-ops-prod | 9 | 8 | 1 | 0 | 9 | 1 | 1 | 0 | 0 |
| ubc/compair | 6 | 6 | 0 | 0 | 6 | 0 | 0 | 0 | 0 |
| hmcts/azure-platform-terraform | 5 | 0 | 0 | 5 | 0 | 0 | 0 | 0 | 0 |
| redhat-cop/containers-quickstarts | 5 | 3 | 1 | 1 | 3 | 2 | 0 | 2 | 0 |
| app-sre/qontract-reconcile | 4 | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 |
| opensafely-core/job-server | 4 | 0 | 0 | 4 | 0 | 0 | 0 | 0 | 0 |
| GSA/datagov-brokerpak-eks | 3 | 3 | 0 | 0 | 3 | 0 | 0 | 0 | 0 |
| mozilla-releng/balrog | 3 | 0 | 2 | 1 | 0 | 0 | 0 | 0 | 0 |
| alphagov/verify-proxy-node | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 | 0 |
| aquasecurity/trivy-operator | 2 | 2 | 0 | 0 | 2 | 0 | 0 | 0 | 0 |
| bcgov/nr-spar | 2 | 1 | 0 | 1 | 1 | 0 | 0 | 0 | 0 |
| bcgov/sso-keycloak | 2 | 2 | 0 | 0 | 2 | 1 | 1 | 0 | 1 |
| cloud-gov/cg-deploy-kubernetes | 2 | 0 | 2 | 0 | 0 | 0 | 0 | 0 | 0 |
| jfroy/flatops | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| monzo/egress-operator | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| NVIDIA/nvidia-container-toolkit | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| readthedocs/readthedocs.org | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| RedHatInsights/vulnerability-engine | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| wellcomecollection/identity | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 1 |
| zalando/skipper | 1 | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 |
| **all** | 142 | 59 | 44 | 39 | 65 | 34 | 5 | 29 | 2 |

Thirteen had neither: backstage/charts, DataDog/datadog-lambda-js, dcplaya/home-ops,
fedora-infra/anitya, fluxcd/flux2-multi-tenancy, kiwitcms/Kiwi, LLNL/CARE, LLNL/hiop,
mendersoftware/mender-cli, mysociety/fixmystreet, QubesOS/qubes-core-admin,
RedHatInsights/patchman-engine and sapcc/limes.

Of the first errors 42% are true and 27% false; 62 of the 142 are in one repository, and 32 of its
pedantic ones are of two kinds. Of the 65 later ones 63 are true and 2 pedantic; four of the true
ones were likely before: labels that Kubernetes took away from a series (OBS025, 2) and a patch
without a target (OBJ017), whose gates are confirmed by that, and a role that trusts each account of
its cluster (INF005), which was one of 28 alike. Among the true ones are versions that are gone
(VAL001, 8); labels that an alert shows and its result has lost, and a comparison that is never so
(OBS028, 7); rights that are misspelt or in another group (OBJ011, 6); volumes and mounts that
are there twice (OBJ013, 4); a script without its `then` (VAL003, 4); outputs of steps that are
gone, by which a condition always holds (VAL020, 4); kustomizations whose patches are names (OBJ005
and files, 6); tokens in the history of an image (IMG014, 2); servers of HAProxy that are looked up
once (SRV005, 2); charts whose loop makes one object of several (OBJ034, 2); arguments that are
empty in their stage (IMG017, 2); variables of Terraform that nothing declares (INF004, 2); and a
path that is misspelt (PIP013). What was not true, by kind:

- 15, false: entries for a list of patches, as Hive has them, which name a Namespace or an Ingress
  and have no metadata (OBJ013, 12, OBJ010, 3): no objects now.
- 6, false: `outputs.PR_NUM_TAG` of an output `pr_num_tag`: GitHub looks names up without regard to
  case (PIP001); PIP012 does so now, too.
- 6, false: services with one port of the host, of which one is started: stages of one Dockerfile,
  and one that has the name of the other as an alias (IMG016); warnings now.
- 5, false: `10.1.2.3/3000` in a list of addresses of pages (INF004).
- 2, false: a script of a chart, which fills it in (VAL003).
- 1, false: a part of a Dockerfile, which a script puts behind another one (VAL004).
- 1, false: an empty line within RUN, which Docker passes over (VAL004); other gates took it for the
  end as well.
- 1, false: a build without devDependencies, where the compiler is a dependency (IMG012).
- 1, false: `nc` of the package netcat-traditional (IMG011).
- 1, false: a CronJob for clusters before 4.6, in a folder that is called so (VAL001).
- 27, false, and likely: rights of an installer that may assume roles: a policy with resources is no
  trust (INF005).
- 2, false, and likely: hosts of `example.com` in a chart's values (NET057).
- 20, pedantic: `attributeRestrictions: null`, which OpenShift wrote into each role (VAL001).
- 12, pedantic: severities with a capital, as what reads these alerts has them (OBS016): warnings
  now, but for one in a file that has the others in lower case.
- 4, pedantic: a filter of tags for `create`, where each job asks for its tag (VAL020).
- 3, pedantic: versions that are gone and a variable that ENV reads of itself, in what its README
  calls deprecated (VAL001, VAL004): all is a warning there now.
- 2, pedantic: `${SRC}/` before a source, which is there without it, too (IMG017).
- 1, pedantic: a kustomization beside the one that Flux is led to (OBJ005): a warning now.
- 1, pedantic: an ACL of a bucket that is older than the rule (INF020): likely in each folder with a
  provider, which is applied itself.
- 1, pedantic, left as it is: a rule that was copied to be changed (OBS028).

Twenty-seven others were run for the first time after these corrections, in three parts, each by
gates with the corrections of the one before. They had 107 errors, 44 true, 7 pedantic and 56 false,
44 of these in one repository, and 3 that were likely, of which 2 were true; later there are 49, 44
true and 5 pedantic. With errors were argoproj-labs/argocd-operator (44), h3mmy/bloopySphere (24),
stolostron/multicluster-observability-operator (17),
NHSDigital/national-document-repository-infrastructure (7), kyma-project/telemetry-manager (5),
NHSDigital/electronic-prescription-service-api (2), cds-snc/platform-forms-client (2),
hyperledger-labs/fabric-operations-console (2), DFE-Digital/schools-experience, bcgov/des-notifybc,
hashgraph/full-stack-testing and opendatacube/datacube-k8s-eks (1 each). Fifteen had none:
LLNL/merlin, alphagov/signon, apache/skywalking-helm, artsy/metaphysics, bitwarden/helm-charts,
DMPRoadmap/roadmap, getredash/setup, harvester/harvester-installer, mendersoftware/inventory,
NHSDigital/dtos-manage-breast-screening, redhat-cop/namespace-configuration-operator,
release-engineering/waiverdb, rust84/k8s-gitops, thanos-io/kube-thanos and timescale/helm-charts.
What was not true in them:

- 44, false: definitions in the releases of a catalog, each with newer ones beside it: what is gone
  was there in the clusters of its day (VAL001).
- 4, false: rules of a definition whose objects a webhook here completes first (OBJ014), as VAL001
  knew.
- 3, false: two versions of one object, each in its file, of which the first was told for both
  (OBJ003, VAL001).
- 2, false: a backup that is cold after 0 days, which is never (INF017).
- 2, false: compilers that are dependencies, in a package that is copied from another folder
  (IMG012).
- 1, false: a file of variables alone that is checked out of a pull request (PIP004).
- 1, false, and likely, left as it is: a namespace that an operator writes (SEC013).
- 2, pedantic: a boolean that is compared with a text and with a boolean (PIP013); warnings now.
- 5, pedantic, left as they are: an output that nothing reads (VAL020), a monitor and a list of a
  cluster that nothing applies (OBS024, OBJ012, files), and a condition on an actor that gives an
  attacker nothing (VAL022).
"""
