package objects

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"
)

// RequestTime returns when a request made a folder, in UTC and whole milliseconds. The name of such
// a folder is a UUIDv7, which holds the time. ok is false for other folders, which people made.
func RequestTime(folder string) (at time.Time, ok bool) {
	name := path.Base(folder)
	id, err := uuid.Parse(name)
	if err != nil || id.Version() != 7 || name != id.String() {
		return at, false
	}
	seconds, nanos := id.Time().UnixTime()
	return time.Unix(seconds, nanos).UTC(), true
}

// RequestFolder returns the folder of an uploaded object, whatever its depth: the one right below
// the folder of its source.
func RequestFolder(object string) string {
	parts := strings.SplitN(object, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/") + "/"
}

// RequestPrefix returns a lower bound, for [Objects.FoldersFrom], of the names of folders that
// requests made at a time or later; empty for the zero time.
func RequestPrefix(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	ms := fmt.Sprintf("%012x", at.UnixMilli())
	return ms[:8] + "-" + ms[8:]
}
