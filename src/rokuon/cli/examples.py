"""Examples of each command, by its path: what one is for, and the line to type. `tests/cli/test_examples.py` parses every line."""

from collections.abc import Mapping

from rokuon.domain.failures import N_

EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "rokuon init": (
        (N_("In the data folder of ROKUON_DATA_DIR"), "rokuon init"),
        (N_("In another folder"), "rokuon --data /srv/rokuon init"),
    ),
    "rokuon demo": (
        (N_("With the console, until Ctrl-C"), "rokuon demo"),
        (N_("Without the console, with 2,000 recordings"), "rokuon demo --once --recordings 2000"),
    ),
    "rokuon admin-link": (
        (N_("For the operator"), "rokuon admin-link"),
        (N_("For someone else"), "rokuon admin-link --email you@example.com"),
    ),
    "rokuon people": ((N_("Who may sign in, and with which role"), "rokuon people list"),),
    "rokuon people disable": ((N_("Someone has left the company"), "rokuon people disable you@example.com"),),
    "rokuon people enable": ((N_("Someone has come back"), "rokuon people enable you@example.com"),),
    "rokuon people invite": (
        (N_("An admin of the whole company"), "rokuon people invite you@example.com --role company_admin"),
        (N_("An admin of one office"), 'rokuon people invite you@example.com --role office_admin --office "San Francisco"'),
    ),
    "rokuon people list": ((N_("For a script"), "rokuon people list --json"),),
    "rokuon people set": ((N_("Only invited people may sign in"), "rokuon people set --no-directory-sign-in"),),
    "rokuon people reset": ((N_("Someone has lost the second factor"), "rokuon people reset you@example.com"),),
    "rokuon audit": ((N_("What was done last"), "rokuon audit log"),),
    "rokuon audit log": ((N_("The last 200 entries of one company"), "rokuon audit log --company Acme --limit 200"),),
    "rokuon audit sign-ins": ((N_("What was refused to one account"), "rokuon audit sign-ins --email you@example.com --refused"),),
    "rokuon company": ((N_("Which companies there are"), "rokuon company list"),),
    "rokuon company add": (
        (N_("Rokuon asks for the key"), "rokuon company add"),
        (N_("The key is in a file"), "rokuon company add --key-file dialpad.key"),
    ),
    "rokuon company key": ((N_("The old key was revoked"), "rokuon company key --key-file dialpad.key"),),
    "rokuon company list": ((N_("For a script"), "rokuon company list --json"),),
    "rokuon sync": ((N_("After a contact center was added in Dialpad"), "rokuon sync"),),
    "rokuon inventory": (
        (N_("Compare the bucket with the ledger now"), "rokuon inventory"),
        (N_("What the last inventory found"), "rokuon inventory --last"),
    ),
    "rokuon bucket declare": (
        (
            N_("A lifecycle rule of the bucket deletes after seven years"),
            "rokuon bucket declare gs://acme-call-recordings --deletes-after 2555d",
        ),
    ),
    "rokuon drill": (
        (N_("What a drill would read"), "rokuon drill"),
        (N_("With a text that the auditor has named"), "rokuon drill --seed 'Audit of 2026, 7 December' --yes"),
        (N_("The yearly exercise: the sample as files"), "rokuon drill --restore-to /srv/exercise --yes"),
    ),
    "rokuon bucket": ((N_("Which buckets are registered, and when each was verified"), "rokuon bucket list"),),
    "rokuon bucket add": (
        (N_("With a service account's key"), "rokuon bucket add gs://acme-recordings --key-file key.json"),
        (N_("With this machine's own Google identity"), "rokuon bucket add gs://acme-recordings"),
        (N_("A folder on this machine"), "rokuon bucket add file:///srv/recordings"),
    ),
    "rokuon bucket list": ((N_("For a script"), "rokuon bucket list --json"),),
    "rokuon bucket rename": (
        (N_("A bucket that is no longer used"), "rokuon bucket rename gs://acme-recordings 'Until 2025'"),
        (N_("Take the name away"), "rokuon bucket rename gs://acme-recordings ''"),
    ),
    "rokuon bucket remove": ((N_("A bucket that was registered by mistake"), "rokuon bucket remove gs://acme-recordigns"),),
    "rokuon bucket restart": (
        (N_("What it would mean"), "rokuon bucket restart gs://acme-recordings"),
        (N_("The bucket was emptied on purpose"), "rokuon bucket restart gs://acme-recordings --yes --note 'moved to a new bucket'"),
    ),
    "rokuon bucket verify": (
        (N_("After a right was granted"), "rokuon bucket verify gs://acme-recordings"),
        (N_("With a new key"), "rokuon bucket verify gs://acme-recordings --key-file key.json"),
    ),
    "rokuon settings": ((N_("Which bucket each level uses, and why"), "rokuon settings show"),),
    "rokuon settings set": (
        (N_("One bucket for the whole company"), "rokuon settings set --enable --restrict --bucket gs://acme-recordings"),
        (N_("A bucket of its own for one office"), "rokuon settings set --office Osaka --bucket gs://acme-osaka"),
        (N_("Back to the bucket of the level above"), "rokuon settings set --office Osaka --inherit"),
    ),
    "rokuon settings show": ((N_("For a script"), "rokuon settings show --json"),),
    "rokuon rule": ((N_("Back up every contact center and coaching team"), "rokuon rule enable --all"),),
    "rokuon rule disable": ((N_("One contact center"), "rokuon rule disable Billing"),),
    "rokuon rule enable": (
        (N_("Every contact center and coaching team"), "rokuon rule enable --all"),
        (N_("The contact centers of one office"), "rokuon rule enable --kind callcenter --office Osaka"),
        (N_("Two by name"), 'rokuon rule enable Billing "Support/East"'),
    ),
    "rokuon backup-now": (
        (N_("What it would do, and how long it would take"), "rokuon backup-now --dry-run"),
        (N_("The past two years"), "rokuon backup-now"),
        (N_("One month of one office"), "rokuon backup-now --office Osaka --since 2026-10-01 --until 2026-10-31"),
    ),
    "rokuon runs": (
        (N_("The latest runs"), "rokuon runs"),
        (N_("Pause one during office hours"), "rokuon runs --pause 12"),
        (N_("Resume it in the evening"), "rokuon runs --resume 12"),
    ),
    "rokuon status": (
        (N_("To see whether everything is backed up"), "rokuon status"),
        (N_("For a monitor: exit code 1 if something failed, was lost or is not known"), "rokuon status --json"),
    ),
    "rokuon recordings": (
        (N_("By the phone number of the other party"), "rokuon recordings 090-1234-5678"),
        (N_("By agent; the order of the words makes no difference"), 'rokuon recordings "Taro Yamada"'),
        (N_("A day, for a script"), "rokuon recordings 2026-11-29 --json"),
        (N_("What was backed up in November, with SHA-256"), "rokuon recordings --state verified --since 2026-11 --csv november.csv"),
    ),
    "rokuon failures": (
        (N_("By cause, with what to do"), "rokuon failures"),
        (N_("Each recording of one cause"), "rokuon failures --list --reason bucket_forbidden"),
        (N_("A table for a spreadsheet"), "rokuon failures --export failures.csv"),
    ),
    "rokuon retry": (
        (N_("After the cause was fixed, and wait for the result"), "rokuon retry --reason bucket_forbidden --watch"),
        (N_("Two recordings"), "rokuon retry 1204 1207"),
    ),
    "rokuon close": (
        (N_("What Dialpad no longer has"), 'rokuon close --reason recording_gone --note "Deleted on request"'),
        (N_("A recorded call with nothing to fetch"), 'rokuon close --call 5060713490964480 --note "Test call"'),
    ),
    "rokuon reopen": ((N_("Two recordings"), "rokuon reopen 1204 1207"),),
    "rokuon accept": ((N_("After listening to it in the console"), "rokuon accept 1204"),),
    "rokuon discard": ((N_("It is silence"), 'rokuon discard 1204 --note "Silence"'),),
    "rokuon notices": (
        (N_("What is wrong now, and who was notified"), "rokuon notices"),
        (N_("To see whether mail arrives"), "rokuon notices test you@example.com"),
    ),
    "rokuon notices ack": ((N_("Someone is working on it"), "rokuon notices ack 7"),),
    "rokuon notices preview": ((N_("The mail about new failures, in Japanese"), "rokuon notices preview opened --language ja"),),
    "rokuon notices set": ((N_("No weekly mail"), "rokuon notices set --no-weekly"),),
    "rokuon notices test": ((N_("To see whether mail arrives"), "rokuon notices test you@example.com"),),
    "rokuon notices to": ((N_("Who is notified, by office"), "rokuon notices to list"),),
    "rokuon notices to add": (
        (N_("For the whole company"), "rokuon notices to add it@example.com"),
        (N_("For one office, in Japanese"), "rokuon notices to add it@example.com --office Osaka --language ja"),
    ),
    "rokuon notices to list": ((N_("For a script"), "rokuon notices to list --json"),),
    "rokuon notices to remove": ((N_("Of the whole company"), "rokuon notices to remove it@example.com"),),
    "rokuon certificate": (
        (N_("A month of the whole company"), "rokuon certificate --from 2026-10-01 --to 2026-10-31"),
        (N_("As PDF, for the auditor"), "rokuon certificate --from 2026-10-01 --to 2026-10-31 --pdf october.pdf"),
        (
            N_("One center, as a table of its days"),
            "rokuon certificate --from 2026-10-01 --to 2026-10-31 --target Billing --csv o.csv",
        ),
    ),
    "rokuon evidence": (
        (N_("The whole company, a quarter"), "rokuon evidence --from 2026-07-01 --to 2026-09-30"),
        (N_("One center, to another place"), "rokuon evidence --from 2026-07-01 --to 2026-09-30 --target Billing --out /srv/audit.zip"),
    ),
    "rokuon custody": ((N_("Is each bucket sealed, and when is the next seal due"), "rokuon custody status"),),
    "rokuon custody status": ((N_("For monitoring: exit code 1 if a bucket is not sealed in time"), "rokuon custody status --json"),),
    "rokuon custody issue": ((N_("Before an audit"), "rokuon custody issue gs://acme-recordings"),),
    "rokuon custody fingerprint": ((N_("For the auditor's --trust"), "rokuon custody fingerprint"),),
    "rokuon custody rotate-key": ((N_("Once a year"), "rokuon custody rotate-key"),),
    "rokuon custody continue": (
        (N_("What it would mean"), "rokuon custody continue gs://acme-recordings"),
        (N_("An older dump was restored"), "rokuon custody continue gs://acme-recordings --yes"),
    ),
    "rokuon up": (
        (N_("The console and a worker"), "rokuon up"),
        (N_("With four worker processes"), "rokuon up --processes 4"),
    ),
    "rokuon serve": ((N_("The console alone; workers run elsewhere"), "rokuon serve"),),
    "rokuon worker": ((N_("On a second machine with the same database"), "rokuon worker --processes 4"),),
    "rokuon doctor": (
        (N_("To see whether this installation is healthy"), "rokuon doctor"),
        (N_("For a monitor: exit code 1 if there is a problem"), "rokuon doctor --json"),
    ),
    "rokuon migrate": ((N_("After an upgrade"), "rokuon migrate"),),
    "rokuon probe": ((N_("Into a file, to read it before you pass it on"), "rokuon probe --output report.json"),),
    "rokuon verifier": ((N_("Into a file, for an auditor"), "rokuon verifier > rokuon_verify.py"),),
    "rokuon completion": (
        (N_("For bash"), "rokuon completion bash > ~/.local/share/bash-completion/completions/rokuon"),
        (N_("For zsh, in a folder of its fpath"), 'rokuon completion zsh > "${fpath[1]}/_rokuon"'),
        (N_("For fish"), "rokuon completion fish > ~/.config/fish/completions/rokuon.fish"),
    ),
    "rokuon simulator": ((N_("With its own options"), "rokuon simulator -- --recordings=100"),),
}
