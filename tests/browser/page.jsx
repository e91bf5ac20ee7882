// Renders one dashboard definition, unmodified, as Splunk Web does. What differs is where results
// come from: every search goes to the test's own server, which runs the built app.
import React from "react";
import { createRoot } from "react-dom/client";
import DashboardCore from "@splunk/dashboard-core";
import { DashboardContextProvider } from "@splunk/dashboard-context";
import CloudPreset from "@splunk/dashboard-presets/CloudViewOnlyPreset";
import Preset from "@splunk/dashboard-presets/EnterpriseViewOnlyPreset";
import SplunkSearch from "@splunk/datasources/SplunkSearch";
import TestDataSource from "@splunk/datasources/TestDataSource";
import SplunkThemeProvider from "@splunk/themes/SplunkThemeProvider";

// Searches under way, for the test to wait for.
window.lofpPending = 0;

class ServedSearch extends TestDataSource {
  // What a search may be extended by, and which options it has, is the real one's.
  static config = SplunkSearch.config;
  static schema = SplunkSearch.schema;

  async setup() {
    await this.load({ ...this.options.queryParameters, checked: this.checkRiskyCommand });
    return this.meta.sid;
  }

  async load(request) {
    window.lofpPending += 1;
    try {
      const body = JSON.stringify({ query: this.options.query, ...request });
      const answer = await (await fetch("/search", { method: "POST", body })).json();
      this.error = answer.error;
      this.errorLevel = "error";
      this.data = { fields: answer.fields ?? [], columns: answer.columns ?? [] };
      this.meta = { ...this.meta, sid: answer.sid, search: this.options.query };
    } finally {
      window.lofpPending -= 1;
    }
  }

  getData(params) {
    const [[field, direction] = []] = Object.entries(params?.sort ?? {});
    return this.toDataSet(sorted(this.data, field, direction)).getPage(params ?? {});
  }
}

// A chain search runs on the results of another one, once those are there.
class ServedChain extends ServedSearch {
  parent = null;
  loaded = null;
  renewed = false;

  async setup() {
    return null;
  }

  request(params) {
    return (observer) => {
      let stop = () => {};
      let stopped = false;
      this.loaded?.then(() => {
        if (!stopped) {
          stop = super.request(params)(observer);
        }
      });
      return () => {
        stopped = true;
        stop();
      };
    };
  }

  getObserver() {
    return {
      next: ({ meta }) => {
        this.renewed = Boolean(meta.sid) && meta.sid !== this.parent;
        if (this.renewed) {
          this.parent = meta.sid;
          this.progress = 100;
          this.loaded = this.load({ base: meta.sid, checked: meta.checkRiskyCommand ?? true });
        }
      },
      error: () => {},
      complete: () => {},
    };
  }

  shouldRefreshSubscription() {
    return this.renewed;
  }
}

function sorted({ fields, columns }, field, direction) {
  const at = fields.findIndex((each) => each.name === field);
  if (at < 0 || !["asc", "desc"].includes(direction)) {
    return { fields, columns };
  }
  const text = (row) => String(columns[at][row] ?? "");
  const order = [...columns[at].keys()].sort((a, b) =>
    text(a).localeCompare(text(b), "en", { numeric: true }),
  );
  const rows = direction === "desc" ? order.reverse() : order;
  return { fields, columns: columns.map((column) => rows.map((row) => column[row])) };
}

// Splunk Enterprise's time range input asks Splunk Web for the site's presets; the other does not.
const preset = {
  ...Preset,
  inputs: { ...Preset.inputs, "input.timerange": CloudPreset.inputs["input.timerange"] },
  dataSources: { ...Preset.dataSources, "ds.search": ServedSearch, "ds.chain": ServedChain },
};

let root = null;

// Shows what the address names, from nothing. For a page after the first the test changes the address
// and calls it again: a browser takes longer to load the bundle than for all that follows.
window.lofpShow = async () => {
  root?.unmount();
  const view = window.location.pathname.split("/").pop();
  const theme = new URLSearchParams(window.location.search).get("theme") ?? "light";
  const definition = await (await fetch(`/definition/${view}`)).json();
  document.title = definition.title;
  document.body.style.background = theme === "dark" ? "#0b0c0e" : "#ffffff";
  root = createRoot(document.getElementById("root"));
  root.render(
    <SplunkThemeProvider family="enterprise" colorScheme={theme} density="comfortable">
      <DashboardContextProvider
        preset={preset}
        initialDefinition={definition}
        initialTokenBinding={{ env: { user: "analyst", app: "lofp_enrich", page: view } }}
        initialMode="view"
        dataSourceContext={{ enableRiskyCommand: true }}
        featureFlags={{ enableInputsOnCanvas: true, enableSmartSourceDS: true }}
        timezone={{ ianaTimezone: "Etc/UTC", utcOffset: 0 }}
      >
        <DashboardCore width="100%" height="auto" />
      </DashboardContextProvider>
    </SplunkThemeProvider>,
  );
};

await window.lofpShow();
