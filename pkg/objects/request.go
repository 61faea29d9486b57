package objects

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"
)

// RequestTime tells when a request has made the folder of a key, in UTC and whole milliseconds, by the uuid of version 7 that is
// the folder's name. Other folders are people's own: ok is false.
func RequestTime(folder string) (at time.Time, ok bool) {
	name := path.Base(folder)
	id, err := uuid.Parse(name)
	if err != nil || id.Version() != 7 || name != id.String() {
		return at, false
	}
	seconds, nanos := id.Time().UnixTime()
	return time.Unix(seconds, nanos).UTC(), true
}

// RequestFolder is the folder right below that of a source in which an uploaded object lies, at any depth.
func RequestFolder(object string) string {
	parts := strings.SplitN(object, "/", 4)
	return strings.Join(parts[:min(3, len(parts))], "/") + "/"
}

// RequestPrefix is what the names of all folders begin with or come behind that requests have made from a time on; empty for the
// zero time.
func RequestPrefix(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	ms := fmt.Sprintf("%012x", at.UnixMilli())
	return ms[:8] + "-" + ms[8:]
}
