"""One module per part of the portal: read the request, make one call, present the answer."""
