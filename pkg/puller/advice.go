package puller

import (
	"fmt"

	"reseed/pkg/credentials"
	"reseed/pkg/source/remote"
)

// Advice says what people can do about a pull of a billing system that has failed with a code, without
// values of theirs; empty if it has nothing to say about that.
func Advice(system, code string) string {
	switch code {
	case remote.CodeAuth, credentials.CodeNone, CodeOtherAccount:
		return fmt.Sprintf("%s has refused the credentials of this data source, or they are not those of its account. Give it new ones: reseed sources set NAME --credentials FILE. What is stored stays as it is.", system)
	case remote.CodeWait, remote.CodeShape:
		return fmt.Sprintf("%s could not be reached, or has answered with something else than its data. Try again later.", system)
	case CodeIncomplete:
		return fmt.Sprintf("%s has listed less than it says it has. Try again later.", system)
	case CodePullNeeded:
		return "The data of the last sync was erased. Sync the data source, then reprocess it."
	}
	return ""
}
