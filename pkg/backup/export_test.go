package backup

// Rename replaces how a Backups renames folders.
func (b *Backups) Rename(rename func(from, to string) error) { b.rename = rename }
