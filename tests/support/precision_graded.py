"""What docs/evidence/precision.md says of the sets that were judged by graded findings."""

from __future__ import annotations

WHY_FALSE = """\

## Why they were false

All 1802 errors of the first runs above that were false or pedantic, by what the gate did not know:

| Why | Errors | For example |
|---|---:|---|
| what belongs together, or whose name it is | 934 | 787 folders of another repository |
| it is not what is applied: a part, a sample, a template | 342 | 183 reports, 26 patches |
| an opinion, or a purpose that files do not tell | 210 | pins, style, privileges, missing texts |
| how the program that reads it really reads it | 164 | LogQL, paths of Windows |
| the truth is outside of the files | 95 | a Gateway, accounts, bases |
| a form or version that the gate did not know | 21 | generators of secrets |
| several of these, not counted apart | 36 |  |

Each time the kinds were corrected, and each new set brought others. So what is an error was turned
round: a gate's finding is a warning unless `src/tarmac/assets/certain.yaml` lists it, by what
proves it: the object or file itself, or another one that is here. In samples the first counts
alone, in inputs of tests, vendored, generated and template folders nothing; nor does a line that is
to be filled in, or what else is wrong with an object of a version that is gone. 20 gates had lists
of what is a warning; these are gone.

The outputs of the first runs of forty of these repositories, made again by the gates of those days,
were graded by this alone: of 2139 errors, 357 of them true, 646 are left, 320 of them true: 50 %
instead of 17 %. Most of what is left are the kinds that the gates themselves were corrected for.
"""
UNSEEN_CERTAIN = """\
## Not seen before, a fifth time

On 2026-11-28, after that, repositories were chosen by a rule that was written first. Eight kinds:
folders for Argo CD and Flux, charts, Compose files, products with folders to deploy them,
Terraform, workflows, applications of several services, monitoring. For each, names that come to
mind, of owners that are not listed above, in the order of the alphabet; of these the first two that
can be had and have at most 4,000 files.

"""
LATER_CERTAIN = """\
The gates of the day before had two errors more there, both pedantic. What was false or pedantic:

- 8: samples that a generator of code made, `foo: bar` below *Add fields here* (VAL001); now a
  warning.
- 3: hosts to be filled in, `grafana.domain_name` (OBJ013); now a warning.
- 3: parts of an Ingress of a version that is gone, where they had other names (OBJ010); now left
  alone.
- 3: others: a base that an argument names, a COPY that BuildKit takes, a password that says that it
  is a default; now a warning, or left alone.
"""
UNSEEN_NEXT = """\

## Not seen before, a sixth time

The next two of each kind, after these corrections.

"""
LATER_NEXT = """\
One repository has 132 of them, and 65 of these are one kind. Without it 10 of 12 first errors are
true, 83 %. What was pedantic:

- 65: selectors that Deployments of `extensions/v1beta1` lack, and need not have (OBJ009); now a
  warning, as all that is wrong with an object of a version that is gone, but for that.
- 2: kustomizations that a deletion left, which nothing follows (files); now a warning where others
  are followed, and so is one that was true.
"""
UNSEEN_LAST = """\

## Not seen before, a seventh time

More names of these kinds, after the corrections above.

"""
LATER_LAST = """\
One of these has more files than the rule allows. What was false:

- 4: inputs of tests in a folder that is called `fake` (VAL001, NET001); now a warning.
- 2: a required name that a webhook fills in (VAL001); now a warning where such a webhook is among
  the files.

The gates of the day before had four errors more there: two pedantic, and two true. Of these a step
of a workflow that is not there is an error again; an anti-affinity that meets no pod is a warning.
"""
UNSEEN_KEPT_LAST = """\

## Kept back, a third time

Two of the first kind and the seventh, chosen with the fifth set, were judged after all corrections.

"""
BEFORE = """\
What was false or pedantic:

- 13: a program that is named by its path, `./service` (IMG011); now left alone.
- 1: a download by ADD (IMG014), which the new list made an error by mistake; a warning, as before.

## Before and after

The gates of the day before were run on these fifty repositories, too, and what they said more was
judged. The gates themselves are the same but for the corrections above; the difference is what is
called an error.

| Errors at first sight | Number | True | Share |
|---|---:|---:|---:|
| before | 351 | 177 | 50 % |
| the fifth set and the sixth: graded | 187 | 103 | 55 % |
| the seventh and those kept back: graded, after corrections | 70 | 50 | 71 % |

Of what grading made a warning, 71 were false or pedantic, 61 of them ports that an image does not
name by EXPOSE (IMG013), and 24 were true: 21 variables that Terraform refuses, a base in a folder
that is called `test-exporter`, a step that is not there, and an anti-affinity. All but the last are
errors again. Four repositories have most of what is not true, each of one kind: 65, 13, 8 and 4.
Without these kinds 153 of 167 first errors are true, 92 %; but such kinds are what a first run is
about, and no set as a whole reaches the aim of 85 %.

Of the 432 true errors of the repositories above, 14 became warnings: four ports of routes in a
guide, four in an archive, three privileges, a sample that is no YAML, a part of a ServiceMonitor,
and a Service that is called `mongodb` and not `mongo`. One is new. 26 of the repositories that have
errors were run again; the other 15 were graded again.
"""
UNSEEN_NINTH = """\

## Not seen before, a ninth time

The sets of the eighth and the ninth time are in the [page on recall](recall.md), with what was
corrected by them. The names of the eighth were not kept, so it cannot be run again; this is the
ninth.

"""
LATER_NINTH = """\
Two of the later errors are new: a value whose name no template of its chart reads (OBJ022).
"""
UNSEEN_KEPT_NINTH = """\

## Kept back, a fourth time

"""
LATER_KEPT_NINTH = """\
These four were run after the corrections of the ninth time.
"""
UNSEEN_TENTH = """\

## Not seen before, a tenth time

Ten more were chosen by kind before any was looked at, of owners that are not listed above: charts,
folders for Flux, an operator with its guide, Terraform, two products, a sample of several services,
rules. They were run once by the gates with all that the fourth set of the page on recall brought.

"""
LATER_TENTH = """\
None of the false or pedantic ones is of a gate that was new then; of the six findings of those, all
warnings and all true, one is an error now: labels that a chart asks for by another name than its
values have (OBJ022). The aim of 85 % is missed by three kinds, of three repositories:

- 6: excerpts in a guide, an object without its name or a pod without containers (VAL001, OBJ007,
  OBJ010, OBJ011, OBJ013); now a warning.
- 4: variables between /* and */ (INF004); now left alone.
- 1: a chart that asks for a kind by its whole name, which helm does not know without a cluster
  (VAL001); now it does.

The repositories of the ninth time, run again by these gates, had one false kind that none of the
ten has: 27 texts `None`, which a template asks for and writes (OBJ022); now left alone.
"""
UNSEEN_KEPT_TENTH = """\

## Kept back, a fifth time

Seven more were run for the first time after the corrections of the tenth time.

"""
LATER_KEPT_TENTH = """\
They have 350 warnings, and no error.
"""
UNSEEN_ELEVENTH = """\

## Not seen before, an eleventh time

Five more, of owners that are not listed above: an operator, samples, a router, folders for Fleet, a
product for Docker Compose. The first of them has most of it.

"""
LATER_ELEVENTH = """\
None of these is of a new gate. What was false or pedantic:

- 7: the severity `warn`, which is all of a team's alerts' (OBS016); a short form is left alone now.
- 4: accounts without a namespace in a ClusterRoleBinding of a kustomization, which a program or the
  overlay above sets (SEC013); now a warning, as is the one of the ninth time that was judged true.
- 1: `EXPOSE 8017:8017` (VAL004); still an error.

All that was unseen on this day together: 33 first errors in 22 repositories, 10 of them true, 30 %,
in 16 of the 22 none at all. Four kinds of three repositories are 21 of the 23 others.
"""
UNSEEN_TWELFTH = """\

## Not seen before, a twelfth time

The sets before had few errors: in 16 of the last 22 repositories there were none. So, later on
2026-11-28, more were chosen that have many files which a gate reads, by kind and before any was
looked at: homes and platforms that Argo CD or Flux deliver, charts, operators with their samples,
products with folders to deploy them, samples of several services, Terraform, workflows, monitoring.
The first thirty that can be had and have at most 4,000 files were run by the gates of the eleventh
time. kserve/kserve was among them and was not judged to its end in 600 s on a busy machine;
nebari-dev/nebari took its place.

"""
LATER_TWELFTH = """\
One repository has 47 of the 63 that are not true, all of one kind; without it 109 of 124 are true,
88 %. Another one has 18 of the true ones: six lines of workflows, each told three times, and once
now. What was false or pedantic:

- 47: generated names in fields that a nameReference of the base lists (OBJ017); now followed.
- 3: `groups` that are no groups of rules (OBJ005); now left alone.
- 3: ports that a mesh adds to pods, and pods that an operator makes (OBS024); now left alone, or a
  warning.
- 2: parameters that a Template of OpenShift fills in (OBJ016); now left alone.
- 2: the place of a secret, and `replaceMe` (INF007); now left alone, or a warning.
- 2: services of one program, of which a guide starts one (IMG016); now a warning.
- 4: others: an object that is named to be absent, what values of a chart's tests make, a file that
  a script makes, a step whose other half runs (OBJ011, OBJ021, files, PIP011); now a warning.

Of the warnings 58 were drawn by lot, two of each repository, and 46 of them are of use, 79 %. Of
the others six are a matter of taste or of the place (versions of a distribution's packages, a
health check of an image that builds), three of names that Flux, an operator or a variable gives,
two of files that others wrote, and one of a file that is left out on purpose.
"""
UNSEEN_THIRTEENTH = """\

## Not seen before, a thirteenth time

The next twenty of the list, after these corrections.

"""
LATER_THIRTEENTH = """\
What was false or pedantic:

- 8: paths and marks where a secret is asked for, `~/.ssh/id_ed25519` and `CLOUD_SECRET_KEY`
  (INF007); now left alone, or a warning.
- 6: PrometheusRules whose groups were emptied (OBS004); now a warning.
- 2: parts of a network, `.0.0/16` (INF004); now left alone.
- 2: a branch that writers name, and a title of a release (PIP004, VAL022); the first is a warning
  now.
- 2: components that Flux adds, and embedded Ruby (files); now a warning.
"""
UNSEEN_FOURTEENTH = """\

## Not seen before, a fourteenth time

Twenty more of these kinds, after the corrections of the thirteenth time.

"""
LATER_FOURTEENTH = """\
The aim of 85 % is missed again; 14 of the 25 are of two kinds in two repositories. What was false
or pedantic:

- 7: files for `-f` whose services another file gives (IMG015); now left alone.
- 7: `terraform-module.zip`, in which a variable was read (INF018); now read as Terraform does.
- 3: certificates that git ignores, and what a base lacks whose overlay is not built for that
  (files, VAL001); now a warning.
- 2: a rewrite of / to /, which ingress-nginx leaves out (NET050); now left alone.
- 2: `<cluster-endpoint>` in a sample of a command (VAL003); now a warning.
- 1: an expression of Terraform in a file of values (files); now a warning.
- 2: a title in a step that runs for branches of the repository alone (PIP004, VAL020), and 1: a
  rule of egress that nothing needs (NET005); still errors.

The three sets together: 290 first errors in 70 repositories, 182 of them true, 63 %; in 30 of the
70 there are none. Three kinds of three repositories (47, 7 and 7) are 61 of the 108 others; without
these 79 % are true. By gates:

| Gate | First errors | True |
|---|---:|---:|
| VAL001 | 78 | 77 |
| VAL020 | 32 | 31 |
| OBS028 | 11 | 11 |
| OBJ013, OBJ014 | 15 | 15 |
| VAL003 | 6 | 4 |
| INF007 | 16 | 6 |
| files | 12 | 6 |
| OBJ017 | 47 | 0 |
| the other 28 | 73 | 32 |

What a schema or the program itself refuses is true nearly always; what a gate infers from several
files of others is what a first sight is about.
"""
UNSEEN_FIFTEENTH = """\

## Not seen before, a fifteenth time

Twenty more, eight of the first list and twelve that authorities, companies and teachers keep, after
the corrections of the fourteenth time.

"""
LATER_FIFTEENTH = """\
Two repositories are parts of something that no gate knew: folders of Terraform into which
Terragrunt writes the variables, and 70 folders with a Compose file each that one command puts
together. Without these two 29 of 34 first errors are true, 85 %. What was false:

- 2345: variables that Terragrunt declares (INF004); now left alone.
- 31: services that another Compose file gives (IMG015); now left alone.
- 9: a setting that has one word of a value's name (INF002); now all of them are asked for.
- 3: defaults that say that they are none, `prodonly` (INF007); now a warning.
- 3: a first line that shellcheck does not know (VAL003); now a warning.
- 3: the place of a key (IMG014), a text in a Dockerfile that hadolint cannot read (VAL004), a part
  of a configuration (files); now left alone, or a warning.
"""
UNSEEN_SIXTEENTH = """\

## Not seen before, a sixteenth time

Sixteen more, of projects' own repositories and of charts, by all gates of the day.

"""
LATER_SIXTEENTH = """\
What was false, both of `files`: a base at `github.com/...?version=`, which was taken for a folder
that is not there, and a Secret of a file that is not in the repository. Both are warnings now.
"""
SINCE = """\

## Not seen before, an eighteenth time

Seventeen more, by all gates of the day: charts, fleets under Argo CD and Flux, Terraform, Compose
files. One of them has four fifths of the errors, most of them requests and claims below the least
of the namespace's LimitRange. Ten had none: zulip/docker-zulip, nextcloud/helm,
wger-project/docker, netbox-community/netbox-chart, paperless-ngx/paperless-ngx,
maybe-finance/maybe, goauthentik/helm, redpanda-data/helm-charts, cloudogu/gitops-playground and
humzamalak/Production-Ready-EKS-Cluster-with-GitOps.

| Repository | First | True | Pedantic | False | Later |
|---|---:|---:|---:|---:|---:|
| ADORSYS-GIS/fineract-gitops | 84 | 83 | 0 | 1 | 83 |
| duynhlab/homelab | 10 | 0 | 0 | 10 | 0 |
| docker/awesome-compose | 4 | 4 | 0 | 0 | 4 |
| je-martinez/3-microservices-running-on-aws-infrastructure | 3 | 0 | 2 | 1 | 0 |
| alphagov/govuk-infrastructure | 2 | 1 | 1 | 0 | 1 |
| dfds/infrastructure-modules | 1 | 1 | 0 | 0 | 1 |
| theepicsaxguy/homelab | 1 | 1 | 0 | 0 | 1 |
| **all** | 105 | 90 | 3 | 12 | 90 |

Of the first errors 86% are true, of the later ones 100%. What was not:

- 8: expressions of MetricsQL (OBS016), where VictoriaMetrics evaluates the rules; now a warning.
- 1: `3 > count(...) < 3` (OBS028): a comparison with a number first leaves the series' values.
- 1: a variable in a comment behind an example of a heredoc (INF004).
- 1: what a target of EventBridge is given, taken for a pattern (INF012).
- 1: a script of Python whose name ends with .sh (VAL003).
- 3, pedantic: the default `test` of a password (INF007); now a warning.

## Not seen before, a nineteenth time

Nine more, by all gates of the day, seventy-five of which were new that day: charts of four makers,
controllers, examples of a mesh, Compose files, a fleet under Flux. Six had no error:
argoproj/argo-helm, cloudnative-pg/charts, containrrr/watchtower, fluxcd/flux2-hub-spoke-example,
temporalio/docker-compose and vmware-tanzu/helm-charts.

| Repository | First | True | Pedantic | False | Later |
|---|---:|---:|---:|---:|---:|
| linkerd/linkerd-examples | 29 | 29 | 0 | 0 | 29 |
| kubernetes-sigs/kueue | 10 | 0 | 0 | 10 | 0 |
| kubernetes-sigs/metrics-server | 1 | 0 | 1 | 0 | 1 |
| **all** | 40 | 29 | 1 | 10 | 30 |

Of the first errors 72% are true, of the later ones 97%. What was not:

- 9: jobs of a JobSet without a restartPolicy (OBJ018), which its controller fills in.
- 1: a generator of a kustomization that another one puts into a namespace (OBJ042, new that day).
- 1, pedantic: a version that is gone, in a component for clusters that have it (VAL001).

## Not seen before, a twentieth time

Fifteen more, on 2026-11-29 by all gates of the day: fleets under Flux at home, charts of makers,
products with folders to deploy them, and three large repositories of organisations. Half of the
errors are in one of these, uc-cdis/cloud-automation. Six had no error: Unleash/helm-charts,
bcgov/bcregistry, documenso/documenso, immich-app/immich-charts, ishioni/homelab-ops and
mattermost/mattermost-helm.

| Repository | First | True | Pedantic | False | Later |
|---|---:|---:|---:|---:|---:|
| uc-cdis/cloud-automation | 45 | 14 | 0 | 31 | 14 |
| wikimedia/operations-deployment-charts | 20 | 1 | 3 | 16 | 4 |
| Altinn/altinn-studio | 18 | 1 | 0 | 17 | 1 |
| novuhq/novu | 8 | 1 | 6 | 1 | 1 |
| wmde/wbaas-deploy | 7 | 0 | 0 | 7 | 0 |
| gandazgul/k8s-infrastructure | 2 | 2 | 0 | 0 | 2 |
| ahinko/home-ops | 1 | 0 | 0 | 1 | 0 |
| joryirving/home-ops | 1 | 1 | 0 | 0 | 1 |
| mirceanton/home-ops | 1 | 0 | 1 | 0 | 0 |
| **all** | 103 | 20 | 10 | 73 | 23 |

Of the first errors 19% are true, of the later ones 87%. What was false, of sixteen kinds:

- 19: files whose keys a filter of their own replaces (OBJ007, VAL001); now not judged.
- 13: targets of patches in a file of which Flux's Kustomization alone was kept (OBJ017).
- 13: values that ask to be replaced, `override_me`, `deprecated`, `dummyRequired` (OBJ013, INF007,
  IMG014), of which one list tells now; and settings of stages that no image has (IMG014).
- 8: the group of a role that a binding leaves to the API server (OBJ010, OBJ011).
- 7: jobs whose image a script adds by jq before `kubectl create` (OBJ007); now warnings.
- 3: the root of a template, kept in a variable for `with` (OBJ034).
- 2: files that a chart's templates read and complete (NET001).
- 2: numbers of pods that are not written (SCL005); now warnings.
- 6, one each: a route of a mesh (NET008), a folder that Vite is told of (IMG018), an artifact that
  an action of the repository uploads (PIP011), an expression of Grafana (OBS036), a command that
  starts no server (OBJ027), an .npmrc without a credential (IMG029).
- 10, pedantic: workflows in a folder that GitHub does not read (PIP001, PIP012), now one warning
  each; a day that never comes (OBJ011), now a warning; numbers of a chart's defaults that its one
  release replaces (SCL005), a variable that is there twice on purpose (OBJ007).

## Not seen before, a twenty-first time

Sixteen more, on 2026-11-29 by all gates of the day: an estate of charts, fleets under Argo CD and
Flux, Terraform of three authorities, products with folders to deploy them, a tutorial. Half of the
errors are in one of these, openstack/openstack-helm. Six had no error: LemmyNet/lemmy-ansible,
anthr76/infra, bcgov/cas-cif, cds-snc/forms-terraform, jenkins-infra/azure and
jitsi-contrib/jitsi-helm.

| Repository | First | True | Pedantic | False | Later |
|---|---:|---:|---:|---:|---:|
| openstack/openstack-helm | 43 | 2 | 0 | 41 | 2 |
| nasa/opera-sds-pcm | 14 | 1 | 0 | 13 | 1 |
| utilitywarehouse/system-manifests | 8 | 5 | 0 | 3 | 5 |
| digitalocean/Kubernetes-Starter-Kit-Developers | 7 | 4 | 0 | 3 | 6 |
| cloud-gov/cg-provision | 6 | 4 | 0 | 2 | 4 |
| opengovsg/FormSG | 4 | 2 | 0 | 2 | 2 |
| NASA-AMMOS/aerie | 1 | 1 | 0 | 0 | 1 |
| GSA/datagov-deploy | 1 | 0 | 1 | 0 | 0 |
| alphagov/govuk-docker | 1 | 0 | 1 | 0 | 0 |
| element-hq/ess-helm | 1 | 0 | 0 | 1 | 0 |
| **all** | 86 | 19 | 2 | 65 | 21 |

Of the first errors 22% are true, of the later ones 90%. What was false, of eleven kinds:

- 17: what a named template is given in a list, and keeps for `with` (OBJ034).
- 10: a name that the template itself adds by `set` to what Helm gives it (OBJ034).
- 14: files with `%%%NAME%%%` where an address is to be written (files); now called templates.
- 12: functions whose file has the release in its name (INF025).
- 3: requests of 0 beside a limit, which would be asked for without them (OBJ011).
- 2: ACLs in comments that begin at the left edge, which no gate left out (INF020).
- 2: replicas that an Application of another repository's chart was to reset (GIT004); what remains
  is that each apply resets them, which is pedantic in a tutorial.
- 2: `npm install --quiet TOOL -g` before the list of packages is copied (IMG021).
- 3, one each: receivers of an exporter of events (OBS015), a user that a chart chooses over the
  image's number (IMG010), a comment within a pipe that goes on by itself (VAL003).
- 2, pedantic: a second port that MongoDB no longer has, beside its own (IMG016), and `$((` of a
  command in a script for bash (VAL003); now warnings.

The warnings were sampled, too. False were 118 of charts whose pods have the hash of their settings
under another name (OBJ049), 171 of fields that a Kustomization of Flux patches in (VAL001), 108 of
parts of objects that tests compare with (VAL001), 70 of Secrets that a Job makes (OBJ008), and 11
of volumes that the Compose file above declares (IMG015); these are left alone now.
"""
