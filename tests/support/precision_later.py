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
"""
