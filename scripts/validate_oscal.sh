#!/bin/sh
# Validates OSCAL assessment results with compliance-trestle, whose models are generated from NIST's schema.
#
#   tocsin compliance report RUN_FOLDER --format oscal --out results.json
#   sh scripts/validate_oscal.sh results.json [...]
#
# It makes an environment of its own in a temporary folder and installs into it, since trestle is no dependency of tocsin.
# TRESTLE=… names another version; 3.9.2 is for OSCAL 1.1.3, 5.2.0 for OSCAL 1.2.1. PYTHON=… names another interpreter.
# It ends with 0 if every file is valid, with 1 if one is not, and with 2 if it could not look.
set -eu

if [ $# -eq 0 ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0"
  exit 2
fi
unset PYTHONHOME PYTHONPATH # another environment's packages must not pass for this one's
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home/venv" || exit 2
"$home/venv/bin/pip" install --quiet "compliance-trestle==${TRESTLE:-3.9.2}" || exit 2

"$home/venv/bin/python" - "$@" <<'PYTHON'
import sys
from pathlib import Path

from trestle.oscal import OSCAL_VERSION
from trestle.oscal.assessment_results import AssessmentResults

bad = 0
for name in sys.argv[1:]:
    try:
        read = AssessmentResults.oscal_read(Path(name))
        if read is None:
            raise ValueError("there is no such file")
    except Exception as error:
        bad = 1
        print(f"{name}: NOT VALID as OSCAL {OSCAL_VERSION}: {error}")
    else:
        findings = sum(len(result.findings or ()) for result in read.results)
        print(f"{name}: valid as OSCAL {OSCAL_VERSION}: {len(read.results)} results, {findings} findings")
sys.exit(bad)
PYTHON
