extern crop(x) -> [channels(x), 16, 16] from "heads.layers:Crop"
space s {
  input image: [3, 32, 32]
  width w in {2, 4}
  y = image >> conv(w, k = 1) >> crop()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
