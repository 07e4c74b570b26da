space s {
  input image: [3, 32, 32]
  route b in image to [2, 1]
  y = b.end
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
