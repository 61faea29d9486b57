package console

import (
	"regexp"
	"strings"
)

// commandOptions turns options of the command into what the pages of an import call them. Of options
// with the same beginning, the longest stands first.
func commandOptions() *strings.Replacer {
	return strings.NewReplacer(
		"--amounts units", "“Amounts” set to in units", "--amounts cents", "“Amounts” set to in cents", "--amounts", "“Amounts”",
		"--date-format", "“Dates”", "--dataset", "“Dataset”", "--encoding", "“Encoding”", "--delimiter", "“Between cells”",
		"--skip-lines", "“Lines above the header row”", "--decimal", "“Decimal sign”", "--ids", "“Ids”", "--map", "“Take it for”",
	)
}

// overREST is what messages say of options for programs, such as (amounts and decimal over REST).
var overREST = regexp.MustCompile(` \((amounts|decimal|date_format|encoding|delimiter|skip_lines|ids|map)( and [a-z_]+)? over REST\)`)

// advice writes a message of an import for people in front of the console: it names the fields of the
// page on which they choose how a file is read, in place of the options of the command.
func advice(message string) string {
	return commandOptions().Replace(overREST.ReplaceAllString(message, ""))
}
