"""Prints the cells of a spreadsheet, as gspread reads them from a stand-in for Google: the arguments are the endpoint, the file with
the key of a service account, and the id of the spreadsheet."""

import json
import sys

import gspread
from google.oauth2.service_account import Credentials

endpoint, key, book = sys.argv[1:]


class Local(gspread.HTTPClient):
    """The usual client, but for the two hosts."""

    def request(self, method, url, *args, **kwargs):
        url = url.replace("https://sheets.googleapis.com", endpoint).replace("https://www.googleapis.com", endpoint)
        return super().request(method, url, *args, **kwargs)


scopes = ["https://www.googleapis.com/auth/spreadsheets.readonly", "https://www.googleapis.com/auth/drive.metadata.readonly"]
client = gspread.Client(auth=Credentials.from_service_account_file(key, scopes=scopes), http_client=Local)
tabs = {}
for tab in client.open_by_key(book).worksheets():
    if tab._properties["sheetType"] == "GRID":
        tabs[tab.title] = tab.get_values(value_render_option="UNFORMATTED_VALUE", date_time_render_option="SERIAL_NUMBER", pad_values=False)
print(json.dumps(tabs))
