package config

import (
	"fmt"
	"io"
	"strings"
)

// writeHelp lists the flags.
func writeHelp(w io.Writer, options []option) {
	fmt.Fprint(w, "Flags (each also as environment PARLEY_NAME and as a key of the file that --config names):\n\n")
	fmt.Fprintf(w, "  --%-18s %s\n", fileFlag, "a TOML file with settings")
	for _, o := range options {
		fmt.Fprintf(w, "  --%-18s %s", o.key, o.doc)
		if o.def != "" {
			fmt.Fprintf(w, " (%s)", o.def)
		}
		fmt.Fprintln(w)
	}
	var secrets []string
	for _, o := range options {
		if o.secret {
			secrets = append(secrets, o.key)
		}
	}
	last := len(secrets) - 1
	fmt.Fprintf(w, "\nFor %s and %s there is also --NAME-file, which names a file that holds the value.\n", strings.Join(secrets[:last], ", "), secrets[last])
}

// Markdown writes docs/config.md.
func Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Configuration

<!-- Generated from internal/config by "make gen". Do not edit. -->

Every setting can be given in three ways; a flag wins over the environment, the environment over the file.

- a flag: ` + "`parley serve --addr :8080`" + `
- the environment: ` + "`PARLEY_ADDR=:8080`" + ` (capital letters, ` + "`_`" + ` for ` + "`-`" + `)
- a TOML file that ` + "`--config parley.toml`" + ` or ` + "`PARLEY_CONFIG`" + ` names: ` + "`addr = \":8080\"`" + `

A name that does not exist, in any of them, is an error, and so is a value of the wrong form: Parley says which in one
sentence and ends with exit code 2. Environment variables that Kubernetes makes for a service called "parley"
(` + "`PARLEY_PORT…`, `PARLEY_SERVICE_…`" + `) are ignored, and so are those that the repository's
scripts and tests read (` + "`PARLEY_TEST_…`, `PARLEY_SERVICES_…`, `PARLEY_CLUSTER_…`" + `).

Settings marked "secret" may hold a password. They are never written to the log. Each has a twin with ` + "`-file`" + ` at its
end (flag, environment and key alike) that names a file holding the value, as Docker and Kubernetes mount secrets:
` + "`PARLEY_STORE_FILE=/run/secrets/store`" + `.

| setting | default | |
|---|---|---|
`)
	for _, o := range optionsOf(&Config{}) {
		def := "(empty)"
		if o.def != "" {
			def = "`" + o.def + "`"
		}
		doc := o.doc
		if o.secret {
			doc += " (secret)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.key, def, strings.ReplaceAll(doc, "|", `\|`))
	}
	b.WriteString(`
Sizes are numbers with ` + "`KiB`, `MiB`, `GiB` or `TiB`" + `; times are such as ` + "`15s` or `2m`" + `; lists have commas between.

The limits of what a conversation may hold (16 KiB of text a message, 10 files a message, 50 different reactions, 100,000
members) are part of the public contract and no settings: every node of a cluster, and every node that will ever read the
log again, has to decide alike.
`)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the documentation: %w", err)
	}
	return nil
}
