package backup

// Rename replaces how a Backups renames folders.
func (b *Backups) Rename(rename func(from, to string) error) { b.rename = rename }

// Aside calls f at the lowest priority.
func Aside(f func() error) error { return aside(f) }
