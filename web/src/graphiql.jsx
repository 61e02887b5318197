import "./style-nonce.js";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { examples } from "./examples.js";
import { FreshnessLine } from "./freshness-line.jsx";
import { createFetcher } from "./gateway.js";
import { TokenBar, useToken } from "./token-bar.jsx";

const EXPLORER = explorerPlugin({ showAttribution: false });
const PLUGINS = [EXPLORER, HISTORY_PLUGIN];
// GraphiQL's default is a third of the window, which leaves the editor too narrow for the lines of the examples.
const WIDTH_KEY = "graphiql:docExplorerFlex";
if (localStorage.getItem(WIDTH_KEY) === null) localStorage.setItem(WIDTH_KEY, "0.25");

function Page({ graphql, docs }) {
  const { token } = useToken();
  const [freshness, setFreshness] = useState(null);
  const fetcher = useMemo(
    () => createFetcher(graphql, token, (result) => setFreshness(result.extensions?.freshness ?? null)),
    [graphql, token],
  );

  return (
    <>
      <TokenBar links={[{ href: docs, text: "REST documentation" }]}>
        <FreshnessLine freshness={freshness} />
      </TokenBar>
      <main>
        {token ? (
          <GraphiQL
            fetcher={fetcher}
            defaultTabs={examples}
            plugins={PLUGINS}
            visiblePlugin={EXPLORER}
            isHeadersEditorEnabled={false}
            shouldPersistHeaders={false}
            showPersistHeadersSettings={false}
            schemaDescription
            inputValueDeprecation
          >
            <GraphiQL.Logo>
              <span />
            </GraphiQL.Logo>
          </GraphiQL>
        ) : (
          <p className="empty">Enter an access token to query the graph.</p>
        )}
      </main>
    </>
  );
}

const root = document.getElementById("page");
createRoot(root).render(<Page graphql={root.dataset.graphql} docs={root.dataset.docs} />);
