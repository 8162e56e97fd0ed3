/** The `$schema` of every chart: the version of Vega-Lite that draws them. */
export const vegaLiteSchema = 'https://vega.github.io/schema/vega-lite/v6.json';
