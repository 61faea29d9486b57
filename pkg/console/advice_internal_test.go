package console

import "testing"

// What people read names the fields of the page, and no option of the command that the page has a field for.
func TestAdviceNamesFields(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		`"31.01.2024" is 2024-01-31 with --date-format "DD.MM.YYYY" (date_format over REST).`:       `"31.01.2024" is 2024-01-31 with “Dates” "DD.MM.YYYY".`,
		`import the file with --amounts units and --decimal comma (amounts and decimal over REST).`: `import the file with “Amounts” set to in units and “Decimal sign” comma.`,
		`Say what it is with --dataset, with --map "Event=Event Type".`:                             `Say what it is with “Dataset”, with “Take it for” "Event=Event Type".`,
		`If that is meant, import it with --allow-empty (allow_empty over REST).`:                   `If that is meant, import it with --allow-empty (allow_empty over REST).`,
		`External ID: This must not be blank.`:                                                      `External ID: This must not be blank.`,
	} {
		if got := advice(message); got != want {
			t.Errorf("%s\n got %s\nwant %s", message, got, want)
		}
	}
}

// An estimate below a second is not about less than a second.
func TestRoughly(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{0: "less than a second", 0.9: "less than a second", 1: "about 1 second", 600: "about 10 minutes"} {
		if got := roughly(seconds); got != want {
			t.Errorf("%v: got %s, want %s", seconds, got, want)
		}
	}
}
