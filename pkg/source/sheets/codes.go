package sheets

// Codes of the errors with which the pull of a spreadsheet ends.
const (
	// CodeChanged is the code of the error for a range that does not exist any more, and for a version
	// that is not the one before: the spreadsheet was changed while it was read.
	CodeChanged     = "sheet_changed"
	CodeNotShared   = "sheet_not_shared"
	CodeTrashed     = "sheet_trashed"
	CodeNotASheet   = "not_a_sheet"
	CodeTooManyTabs = "too_many_tabs"
	CodeNoDatasets  = "no_datasets" // no tab has the header row of a dataset
	CodeNoRows      = "empty_input" // no tab has rows below a header row
	CodeBusy        = "google_busy"
	CodeUnreachable = "google_unreachable"
	CodeKeyRefused  = "google_key_refused"
	CodeAPIDisabled = "google_api_disabled"
	CodeRefused     = "google_refused"
)

// Advice says for mail what an error of such a code means, and what to do. It holds nothing of the
// spreadsheet. It is empty for other codes.
func Advice(code string) string {
	switch code {
	case CodeChanged:
		return "Somebody changed the spreadsheet each time while it was read. Sync again when nobody is working in it."
	case CodeNotShared:
		return "The spreadsheet is not shared with the address of Reseed any more, or it was deleted. Share it with that address as a viewer, then sync again."
	case CodeTrashed:
		return "The spreadsheet is in the bin of Google Drive. Restore it there, then sync again."
	case CodeNotASheet:
		return "The file is not a spreadsheet of Google Sheets. If it is an Excel workbook, open it in Google Drive and choose File, Save as Google Sheets; then connect the data source to that."
	case CodeTooManyTabs:
		return "The spreadsheet has too many tabs. Keep the data in a spreadsheet of its own."
	case CodeNoDatasets:
		return "No tab of the spreadsheet has the header row of a dataset."
	case CodeNoRows:
		return "No tab of the spreadsheet has rows below a header row."
	}
	return adviceOnGoogle(code)
}

func adviceOnGoogle(code string) string {
	switch code {
	case CodeBusy:
		return "Google's quota was used up for a long time. Try again later."
	case CodeUnreachable:
		return "Google Sheets could not be reached for a long time. Try again later."
	case CodeKeyRefused:
		return "Google refused the key of the service account. An administrator must put a new one in its place."
	case CodeAPIDisabled:
		return "The Google Cloud project of the service account has not enabled the Google Sheets API and the Google Drive API. An administrator must enable both."
	case CodeRefused:
		return "Google refused to read the spreadsheet. Open it in Google Sheets and see whether it works there, then sync again."
	}
	return ""
}
